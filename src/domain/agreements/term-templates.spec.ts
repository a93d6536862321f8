import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { draftTermSchema } from './draft.schema.ts';
import { readTermFile, termFrom, TermTemplates } from './term-templates.ts';

const FOLDER = projectFolder('templates/terms');
const NOW = Date.parse('2026-11-22T00:00:00Z');
const templates = TermTemplates.read(FOLDER);
const find = (id: string) => templates.find(id, NOW);

/** As the sources word them; `null`: the source gives no number. */
const WINDOWS: readonly [id: string, starts: string, window: string | null][] = [
  ['gdpr-33-1', 'confirmed', '72 elapsed-hours'],
  ['gdpr-33-2', 'confirmed', null],
  ['gdpr-34', 'determined', null],
  ['nis2-early-warning', 'confirmed', '24 elapsed-hours'],
  ['nis2-notification', 'confirmed', '72 elapsed-hours'],
  ['nis2-final', 'submitted', '1 months'],
  ['dora-initial-classified', 'classified', '4 elapsed-hours'],
  ['dora-initial-aware', 'confirmed', '24 elapsed-hours'],
  ['dora-intermediate', 'submitted', '72 elapsed-hours'],
  ['dora-final', 'submitted', '1 months'],
  ['dora-30-3-b', 'confirmed', null],
  ['cra-early-warning', 'confirmed', '24 elapsed-hours'],
  ['sec-8-k-1-05', 'determined', '4 business-days'],
  ['nydfs-500-17-a', 'determined', '72 elapsed-hours'],
  ['us-bank-53-3', 'determined', '36 elapsed-hours'],
  ['us-bank-provider', 'determined', null],
  ['hipaa-164-410', 'detected', '60 calendar-days'],
  ['fedramp-icp-csx-ira', 'detected', '1 elapsed-hours'],
  ['california-1798-82-b', 'detected', null],
  ['florida-501-171-6-a', 'determined', '10 calendar-days'],
  ['texas-521-053', 'determined', '60 calendar-days'],
  ['visa-immediate', 'suspected', null],
  ['visa-report', 'suspected', '3 business-days'],
  ['visa-accounts', 'suspected', '10 business-days'],
  ['pci-dss', 'suspected', null],
  ['cert-in', 'detected', '6 elapsed-hours'],
  ['apra-cps-234-36', 'confirmed', '10 business-days'],
  ['singapore-pdpa-26d', 'determined', '3 calendar-days'],
  ['mas-trm-hour', 'detected', '1 elapsed-hours'],
];

describe('the templates of terms', () => {
  test.each(WINDOWS)('%s counts from %s: %s', (id, starts, window) => {
    const template = find(id);
    expect(template?.startEvent).toBe(starts);
    expect(template?.window ? `${template.window.count} ${template.window.unit}` : null).toBe(window);
    expect(template?.source.article).not.toBe('');
  });

  test('what has no number says what stands in its place', () => {
    const without = templates.list(NOW).filter(({ window }) => window === null);
    expect(without.length).toBeGreaterThan(5);
    for (const { words } of without) expect(words).toBeTruthy();
  });

  test('know what is not law yet, and what is law from a day on', () => {
    expect(find('circia')?.inForce).toBe(false);
    expect(find('cra-notification')?.inForce).toBe(true);
    expect(templates.find('cra-notification', Date.parse('2026-09-10T12:00:00Z'))?.inForce).toBe(false);
  });

  test('each makes a term that a draft takes', () => {
    for (const template of templates.list(NOW))
      expect(draftTermSchema.parse(termFrom(template, 'to_party'))).toMatchObject({
        window: template.window,
      });
  });

  test('a term says which template of which day it comes from', () => {
    expect(termFrom(find('gdpr-33-1')!, 'to_party').ruleVersion).toBe('gdpr-33-1 2026-11-22');
  });
});

describe('a file that is not as it must be', () => {
  const [first = ''] = readdirSync(FOLDER).filter((name) => name.endsWith('.yaml'));
  const text = readFileSync(join(FOLDER, first), 'utf8');

  test.each([
    ['a window of zero', /count: \d+/, 'count: 0', /window/],
    ['an unknown unit', /unit: [a-z-]+/, 'unit: fortnights', /window/],
    ['a zone that is none', /zone: \S+/, 'zone: Europe/Atlantis', /zone/],
    ['no date', /asOf: .*/, 'asOf: lately', /asOf/],
    ['no source', /source: .*/, 'sauce: none', /source/],
    ['an unknown start', /startEvent: .*/, 'startEvent: rumoured', /startEvent/],
    ['no number and nothing in its place', /window: \{.*\}/, 'window: null', /words/],
  ])('%s is refused with its place', (_, from, to, told) => {
    expect(from.test(text)).toBe(true);
    expect(() => readTermFile(text.replace(from, to), first)).toThrow(told);
  });
});
