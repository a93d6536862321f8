import { describe, expect, test } from '@jest/globals';
import { readForm } from '../shared/forms.tsx';
import { expectOk } from '../../kernel/result.ts';
import { completeForm, decideForm, reasonForm, replacementForm, statementForm } from './step.schema.ts';

const FORMS = [
  ['decide', decideForm, { decision: 'reject' }],
  ['reason', reasonForm, { reason: 'because' }],
  ['complete', completeForm, {}],
  ['replacement', replacementForm, { supplierId: 'key_2' }],
  ['statement', statementForm, { kind: 'revoked', signsFor: 'Ann, CISO', text: 'Done.' }],
] as const;

describe.each(FORMS)('the form "%s" of a step', (_name, schema, filled) => {
  const backOf = (more: object) =>
    (expectOk(readForm<object>(schema, { ...filled, ...more })) as { back?: string }).back;

  test('is good without a way back', () => expect(backOf({})).toBeUndefined());
  test.each(['//evil.example', '/\\evil', 'https://evil.example', '', ['/work']])(
    'ignores the way back %j',
    (back) => expect(backOf({ back })).toBeUndefined(),
  );
  test.each(['/', '/work?show=mine', '/incidents/INC-2026-0007'])('takes the way back %s', (back) =>
    expect(backOf({ back })).toBe(back),
  );
});
