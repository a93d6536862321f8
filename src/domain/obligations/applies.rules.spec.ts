import { describe, expect, test } from '@jest/globals';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { applies, entityOf, memberStateIn, regionCodes, type Profile } from './applies.rules.ts';
import { ClockRules } from './clock-rules.ts';

const rules = ClockRules.read(projectFolder('templates/clocks')).list('2026-11-22');
const owed = (profile: Partial<Profile>) =>
  rules
    .filter((rule) =>
      applies(rule, { regions: [], sectors: [], dataClass: 'internal', roles: ['customer'], ...profile }),
    )
    .map(({ id }) => id);

describe('which rules ask something of us', () => {
  test('a shop of the Union tells its authority and its people', () => {
    expect(owed({ regions: ['EU'], sectors: ['retail'] })).toEqual(['gdpr-33-1', 'gdpr-34']);
    expect(owed({ regions: ['Netherlands'], sectors: ['retail'] })).toEqual(['gdpr-33-1', 'gdpr-34']);
    expect(owed({ regions: ['NO'] })).toEqual(['gdpr-33-1', 'gdpr-34']);
  });
  test('who processes for others tells the controller', () => {
    expect(owed({ regions: ['DE'], roles: ['supplier'] })).toEqual(['gdpr-33-2']);
  });
  test('the sector of an integration brings its own', () => {
    expect(owed({ regions: ['EU'], sectors: ['retail', 'Banking'] })).toEqual([
      'gdpr-33-1',
      'gdpr-34',
      'nis2-23-4',
      'dora-19',
    ]);
  });
  test('card data bring the schemes, wherever', () => {
    expect(owed({ dataClass: 'cardholder' })).toEqual(['visa', 'mastercard-adc', 'pci-dss']);
  });
  test('a State brings its own beside those of the country', () => {
    expect(owed({ regions: ['California'], sectors: ['health'] })).toEqual(['hipaa-164-404', 'ca-1798-82']);
    expect(owed({ regions: ['US'] })).toEqual([]);
  });
  test('what nobody wrote down matches nothing', () => {
    expect(owed({})).toEqual([]);
    expect(owed({ regions: ['Atlantis'], sectors: [''] })).toEqual([]);
  });
});

test('a region stands for what it lies in', () => {
  expect(regionCodes('france')).toEqual(['FR', 'EU', 'EEA']);
  expect(regionCodes('UK')).toEqual(['GB']);
  expect(regionCodes('US-CA')).toEqual(['US-CA', 'US']);
});

test('the Member State is the one that is named', () => {
  expect(memberStateIn(['EU', 'Germany'])).toBe('DE');
  expect(memberStateIn(['DE', 'FR'])).toBeUndefined();
  expect(memberStateIn(['EU', 'US'])).toBeUndefined();
});

test('the class of an entity is a sector that the rule knows', () => {
  const dora = rules.find(({ id }) => id === 'dora-19')!;
  expect(entityOf(dora, ['retail', 'Credit institution'])).toBe('credit-institution');
  expect(entityOf(dora, ['retail'])).toBeUndefined();
});
