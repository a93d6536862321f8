import type { ClockRule } from './clock-rule.schema.ts';

/** What decides whether a rule is ours in one integration. */
export interface Profile {
  /** Of the operator and of the integration, as people wrote them: `EU`, `NL`, `Netherlands`, `US-CA`. */
  regions: readonly string[];
  sectors: readonly string[];
  dataClass: string;
  /** Of the operator in the integration. */
  roles: readonly string[];
}

/** Countries of the Union; those of the Economic Area beside them. */
const UNION = new Set(
  'AT BE BG HR CY CZ DK EE FI FR DE GR HU IE IT LV LT LU MT NL PL PT RO SK SI ES SE'.split(' '),
);
const AREA = new Set(['NO', 'IS', 'LI']);

/** Names that people write, by code. */
const NAMES = new Map<string, string>([
  ['EUROPEAN UNION', 'EU'],
  ['EUROPE', 'EU'],
  ['UK', 'GB'],
  ['USA', 'US'],
  ['CALIFORNIA', 'US-CA'],
  ['FLORIDA', 'US-FL'],
  ['TEXAS', 'US-TX'],
  ['NEW YORK', 'US-NY'],
  ['CZECH REPUBLIC', 'CZ'],
]);
const english = new Intl.DisplayNames(['en'], { type: 'region' });
for (const code of [...UNION, ...AREA, 'GB', 'US', 'IN', 'AU', 'SG'])
  NAMES.set((english.of(code) ?? code).toUpperCase(), code);

/** The codes that a region stands for, itself first: `NL` is also the Union and the Area. */
export function regionCodes(text: string): string[] {
  const wanted = text.trim().toUpperCase();
  const code = NAMES.get(wanted) ?? wanted;
  if (code === 'EU') return ['EU', 'EEA'];
  if (UNION.has(code)) return [code, 'EU', 'EEA'];
  if (AREA.has(code)) return [code, 'EEA'];
  const [country, part] = code.split('-');
  return part === undefined ? [code] : [code, country!];
}

/** The Member State that these regions name, or undefined: none, or more than one. */
export function memberStateIn(regions: readonly string[]): string | undefined {
  const states = new Set(
    regions
      .flatMap((region) => regionCodes(region).slice(0, 1))
      .filter((code) => UNION.has(code) || AREA.has(code)),
  );
  return states.size === 1 ? [...states][0] : undefined;
}

/**
 * Whether a rule asks something of us in this integration. What nobody wrote down matches nothing: a rule for banks is not
 * owed by a party without a sector. Where it should be, the party's and the integration's regions and sectors say so.
 */
export function applies({ applies: wanted }: Pick<ClockRule, 'applies'>, profile: Profile): boolean {
  const regions = new Set(profile.regions.flatMap(regionCodes));
  if (wanted.regions.length > 0 && !wanted.regions.some((region) => regions.has(region))) return false;
  if (wanted.roles.length > 0 && !wanted.roles.some((role) => profile.roles.includes(role))) return false;
  if (wanted.sectors.length === 0 && wanted.dataClasses.length === 0) return true;
  const sectors = profile.sectors.map(plain);
  return (
    wanted.sectors.some((sector) => sectors.includes(plain(sector))) ||
    wanted.dataClasses.includes(profile.dataClass.toLowerCase())
  );
}

/** The class of entity that our sectors name, of those that the rule knows. */
export function entityOf(rule: Pick<ClockRule, 'entities'>, sectors: readonly string[]): string | undefined {
  const known = sectors.map((sector) => plain(sector).replaceAll(' ', '-'));
  return rule.entities.find((entity) => known.includes(entity));
}

function plain(text: string): string {
  return text
    .trim()
    .toLowerCase()
    .replaceAll(/[-_\s]+/g, ' ');
}
