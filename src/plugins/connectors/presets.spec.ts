import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { Connectors } from '../../domain/revocation/connectors.ts';
import { presetLine } from '../../domain/revocation/preset-view.rules.ts';
import { SystemClock } from '../../platform/clock/clock.ts';
import { Outbound } from '../../platform/http/outbound.ts';
import { connectorClasses } from './registry.ts';

const folder = new URL('../../../templates/connectors/', import.meta.url);
const files = readdirSync(folder).filter((file) => file.endsWith('.yaml'));
const outbound = new Outbound({ outboundAllow: [] }, new SystemClock());
const connectors = new Connectors(connectorClasses.map((connector) => new connector(outbound)));
const read = (file: string): unknown =>
  parse(readFileSync(new URL(file, folder), 'utf8'), { uniqueKeys: true });

describe('connector presets', () => {
  test('there are some', () => {
    expect(files.length).toBeGreaterThanOrEqual(7);
  });

  test.each(files)('%s is well-formed, and named after its key', (file) => {
    const checked = connectors.check(read(file));
    expect(checked).toMatchObject({ ok: true });
    if (checked.ok) expect(`${checked.value.preset.key}.yaml`).toBe(file);
  });

  test.each(files)('%s names every secret that it uses, and uses every secret that it names', (file) => {
    const checked = connectors.check(read(file));
    if (!checked.ok || checked.value.connector.key !== 'declarative-http') return;
    const used = new Set(
      [...JSON.stringify(checked.value.settings).matchAll(/\{auth\.([a-z0-9_]+)\}/g)].map(
        (match) => match[1],
      ),
    );
    expect(used).toEqual(new Set(Object.keys(checked.value.preset.auth)));
  });

  test.each(files)('%s never takes a revoke for a death, nor a limit for a verdict', (file) => {
    const checked = connectors.check(read(file));
    if (!checked.ok) throw new Error('not well-formed');
    const { probe } = checked.value.settings as {
      probe?: { answers: { status: number | number[]; means: string }[] };
    };
    for (const row of probe?.answers ?? []) {
      for (const status of [row.status].flat())
        if (status === 429 || status >= 500) expect(row.means).toBe('indeterminate');
    }
  });

  test('a mistake is named with its place', () => {
    const good = read('sendgrid.yaml') as { settings: { probe: { request: object } } };
    const bad = {
      ...good,
      settings: {
        ...good.settings,
        probe: { ...good.settings.probe, request: { method: 'GET', path: '/x?y={value}' } },
      },
    };
    expect(connectors.check(bad)).toMatchObject({
      ok: false,
      error: { fields: [{ field: '/settings/probe/request/path' }] },
    });
    expect(connectors.check({ ...good, connector: 'telepathy' })).toMatchObject({
      ok: false,
      error: { code: 'unknown-connector' },
    });
    const typo = structuredClone(good);
    Object.assign(typo.settings.probe.request, { auth: { style: 'bearer', token: '{vallue}' } });
    expect(connectors.check(typo)).toMatchObject({
      ok: false,
      error: { fields: [{ field: '/settings/probe/request', problem: '{vallue} stands for nothing' }] },
    });
  });

  test('the README tells of each supplier what its presets do', () => {
    const readme = readFileSync(new URL('../../../README.md', import.meta.url), 'utf8');
    const told = readme.split('\n').map((line) => line.split('|').map((cell) => cell.trim()));
    const all = files.flatMap((file) => {
      const checked = connectors.check(read(file));
      return checked.ok ? [presetLine(checked.value)] : [];
    });
    const suppliers = [...new Set(all.map(({ supplier }) => supplier))].filter((one) => one !== null);
    expect(suppliers.length).toBeGreaterThanOrEqual(17);
    for (const supplier of suppliers) {
      const lines = all.filter((line) => line.supplier === supplier);
      const [, , variants = '', can = '', revocability = '', doubted = ''] =
        told.find((cells) => cells[1] === supplier) ?? [];
      const words = (cell: string) => new Set(cell.split(', '));
      expect({ supplier, variants: words(variants) }).toEqual({
        supplier,
        variants: new Set(lines.map(({ variant }) => variant)),
      });
      expect(words(can)).toEqual(new Set(lines.flatMap(({ capabilities }) => capabilities)));
      expect(words(revocability)).toEqual(new Set(lines.map((line) => line.revocability)));
      const doubts = lines.filter(({ verified }) => !verified).map(({ variant }) => variant);
      expect(words(doubted)).toEqual(new Set(doubts.length === 0 ? ['–'] : doubts));
    }
  });
});
