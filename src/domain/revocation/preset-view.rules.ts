import type { AnswerRow, Condition } from '../../platform/http/answer-table.rules.ts';
import { MUTUAL_TLS } from '../../platform/http/mutual-tls.rules.ts';
import { capabilitiesOf, probeRows } from './answers.rules.ts';
import type { Reading } from './connector.ts';
import type { CheckedPreset } from './connectors.ts';
import type { Preset } from './preset.schema.ts';
import type { Meaning, PresetDetail, PresetLine } from './preset-view.schema.ts';

/** The secrets that a connection with this preset may have, each with what it is for. */
export function secretNamesOf({ preset, connector }: CheckedPreset): Readonly<Record<string, string>> {
  return { ...preset.auth, ...(connector.mutualTls ? MUTUAL_TLS : {}) };
}

export function readingsOf({ connector, settings }: CheckedPreset): readonly Reading[] {
  return connector.readings?.(settings) ?? [];
}

/** One preset as a list shows it. */
export function presetLine(checked: CheckedPreset): PresetLine {
  const { preset, connector, settings } = checked;
  const probe = probeRows(readingsOf(checked)) ?? [];
  const telling = probe.filter((row) => row.means !== 'indeterminate');
  return {
    key: preset.key,
    supplier: preset.supplier ?? null,
    variant: preset.variant ?? null,
    usual: preset.usual ?? false,
    title: preset.title,
    connector: preset.connector,
    kinds: preset.kinds,
    baseUrl: preset.baseUrl,
    capabilities: capabilitiesOf(connector, settings),
    issue: connector.abilities(settings).issue,
    revocability: connector.revocability(settings, preset.kinds[0] ?? ''),
    verified:
      telling.length > 0
        ? telling.every((row) => factOf(preset, row)?.status === 'verified')
        : preset.facts.every(({ status }) => status === 'verified'),
    ranAgainst: preset.ranAgainst ?? null,
  };
}

/** One preset with every answer's meaning and source. */
export function presetDetail(checked: CheckedPreset): PresetDetail {
  const { preset } = checked;
  const { canary } = preset;
  return {
    ...presetLine(checked),
    secrets: secretNamesOf(checked),
    control:
      'how' in canary ? { possible: true, text: canary.how } : { possible: false, text: canary.impossible },
    facts: preset.facts.map(({ fact, source, status }) => ({
      fact,
      source,
      verified: status === 'verified',
    })),
    answers: readingsOf(checked).map(({ part, asks, rows }) => ({
      part,
      asks,
      rows: rows.map((row) => meaningOf(preset, row)),
    })),
  };
}

/** The fact that a row rests on. */
export function factOf(preset: Preset, row: AnswerRow): Preset['facts'][number] | undefined {
  return row.fact === undefined ? undefined : preset.facts.find(({ id }) => id === row.fact);
}

export function meaningOf(preset: Preset, row: AnswerRow): Meaning {
  const fact = factOf(preset, row);
  return {
    statuses: [row.status].flat(),
    when: (row.when ?? []).map(conditionWords),
    means: row.means,
    why: row.why ?? null,
    source: fact?.source ?? null,
    verified: fact ? fact.status === 'verified' : null,
  };
}

function conditionWords(condition: Condition): string {
  if ('element' in condition) return `<${condition.element}> is ${either(condition.in)}`;
  const place = condition.pointer === '' ? 'the body' : condition.pointer;
  if ('equals' in condition) return `${place} is ${JSON.stringify(condition.equals)}`;
  if ('in' in condition) return `${place} is ${either(condition.in)}`;
  if ('exists' in condition) return `${place} ${condition.exists ? 'is there' : 'is not there'}`;
  if ('contains' in condition) return `${place} holds ${JSON.stringify(condition.contains)}`;
  if ('type' in condition) return `${place} is ${ARTICLES[condition.type]}`;
  return `${place} is the ${condition.sameAs === 'supplierId' ? 'id that was asked about' : condition.sameAs}`;
}

const ARTICLES = {
  string: 'a text',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
} as const;

function either(values: readonly unknown[]): string {
  return values.map((one) => JSON.stringify(one)).join(' or ');
}
