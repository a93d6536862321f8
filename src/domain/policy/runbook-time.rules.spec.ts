import { describe, expect, test } from '@jest/globals';
import { definitionSchema } from '../runbooks/definition.schema.ts';
import { runbookFacts, worstHours } from './runbook-time.rules.ts';

const runbook = (steps: unknown[]) =>
  runbookFacts(definitionSchema.parse({ id: 'tell', title: 'Tell', version: 1, steps }));
const step = (id: string, more: object) => ({ id, title: id, uses: 'no-op', ...more });

describe('what people take before a notice leaves', () => {
  test('the slowest way counts, and steps of the machine do not', () => {
    expect(
      runbook([
        step('draft', { uses: 'manual-task', dueWithin: '4h' }),
        step('legal', { uses: 'manual-task', takes: '2 business-days', dueWithin: '30d', needs: ['draft'] }),
        step('short', { uses: 'approval', approval: { roles: ['admin'], within: '60m' } }),
        step('machine', { dueWithin: '9d' }),
        step('send', { uses: 'send-notice', needs: ['legal', 'short', 'machine'], dueWithin: '24h' }),
      ]).beforeNotice,
    ).toEqual({ minutes: 240, businessDays: 2, steps: ['draft', 'legal'], sender: 'send' });
  });

  test('a runbook that sends nothing has no such time', () => {
    expect(runbook([step('only', {})]).beforeNotice).toBeNull();
  });

  test('two business days can be four days', () => {
    expect(worstHours({ minutes: 60, businessDays: 2 })).toBe(97);
    expect(worstHours({ minutes: 60, businessDays: 0 })).toBe(1);
  });

  test('addresses in the settings of a step are found', () => {
    expect(
      runbook([step('call', { with: { what: 'Write to Ann <ann@other.example>, now.' } })]).addresses,
    ).toEqual([{ step: 'call', address: 'ann@other.example' }]);
  });
});
