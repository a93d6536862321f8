import { expect, test } from '@jest/globals';
import { newId } from '../../kernel/ids.ts';
import { readTerm, rungTextsIn, termGiven } from './draft-form.ts';

const [first, second, third] = [newId(), newId(), newId()];
const form = {
  name: '',
  direction: 'to_party',
  trigger: 'confirmed',
  startEvent: 'confirmed',
  windowCount: '24',
  windowUnit: 'elapsed-hours',
  zone: 'UTC',
  calendar: '',
  warnPercent: '50',
  escalatePercent: '80',
  fulfilledBy: 'acknowledged',
  language: 'en',
  category: 'exposure',
  ruleVersion: '1',
  fallback1: first,
  fallback3: second,
  fallback4: third,
  fallbackAfter1: '15 min',
  fallbackAfter3: '40 %',
  fallbackAfter4: '',
};

test('a fallback keeps the time beside it, though a row between is blank, and the form shows it again', () => {
  const read = readTerm(form);
  if (!read.ok) throw new Error(JSON.stringify(read.error));
  expect(read.value.rungs).toEqual([
    { recipient: first, minutes: 15 },
    { recipient: second, percent: 40 },
  ]);
  const shown = termGiven(read.value);
  expect(rungTextsIn(shown)).toEqual(['15 min', '40 %', '']);
  expect(readTerm(shown)).toEqual(read);
});

test('a time that is none is told at its row; a share of a duty without a number, too', () => {
  const refused = (over: object) => {
    const read = readTerm({ ...form, ...over });
    return read.ok ? {} : read.error;
  };
  expect(Object.keys(refused({ fallbackAfter1: 'soon' }))).toContain('fallbackAfter1');
  expect(Object.keys(refused({ fallbackAfter1: '99999' }))).toContain('fallbackAfter1');
  expect(refused({ windowUnit: '', windowCount: '' })).toMatchObject({
    fallbackAfter2: expect.stringContaining('no share of its window'),
  });
});
