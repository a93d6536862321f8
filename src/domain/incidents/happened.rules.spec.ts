import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { templatesFolder } from '../../platform/config/templates.ts';
import { HAPPENED } from './happened.rules.ts';
import { triggersOf } from './owed-notices.ts';

describe.each(['text', 'html'])('the German %s of an exposure', (form) => {
  const text = readFileSync(join(templatesFolder('notices'), `exposure.de.${form}.liquid`), 'utf8');

  test.each(Object.values(HAPPENED))('has its own words for: %s', (reason) =>
    expect(text).toContain(`reason == "${reason}"`),
  );
});

describe('what is certain', () => {
  test('is owed to who was promised to hear of a suspicion, too', () => {
    expect(triggersOf('confirmed', ['suspected'])).toEqual(['suspected']);
    expect(triggersOf('confirmed', ['suspected', 'confirmed'])).toEqual(['suspected', 'confirmed']);
    expect(triggersOf('confirmed', ['confirmed'])).toEqual(['confirmed']);
    expect(triggersOf('confirmed', ['contained'])).toEqual([]);
  });

  test('is not owed on a suspicion alone', () => {
    expect(triggersOf('suspected', ['suspected', 'confirmed'])).toEqual(['suspected']);
    expect(triggersOf('contained', ['suspected', 'contained'])).toEqual(['contained']);
  });
});
