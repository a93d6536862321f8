import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Call, Connector, IssueRequest, Target } from '../../src/domain/revocation/connector.ts';
import { Connectors } from '../../src/domain/revocation/connectors.ts';
import { readPresetFiles } from '../../src/domain/revocation/preset-files.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { templatesFolder } from '../../src/platform/config/templates.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { connectorClasses } from '../../src/plugins/connectors/registry.ts';
import type { DeclarativeHttpSettings } from '../../src/plugins/connectors/declarative-http/declarative-http.settings.ts';
import { PresetSupplier } from '../support/preset-supplier.ts';
import { ScriptedSupplier, type Issued } from '../support/scripted-supplier.ts';

/** What makes a new version, of every preset that declares it. A new preset joins by existing. */
const connectorsOver = (outbound: Outbound) =>
  new Connectors(connectorClasses.map((one) => new one(outbound)));
const offline = connectorsOver(new Outbound({ outboundAllow: [] }, new SystemClock()));
const cases = readPresetFiles(offline, templatesFolder('connectors'))
  .filter(({ preset }) => preset.connector === 'declarative-http')
  .map(({ preset, settings }) => ({ preset, settings: settings as DeclarativeHttpSettings }))
  .filter(({ settings }) => settings.issue ?? settings.listIssued ?? settings.listUsage)
  .map(({ preset, settings }) => ({ key: preset.key, auth: preset.auth, settings }));

const call = (limit = 10_000): Call => ({
  idempotencyKey: 'step:1',
  signal: AbortSignal.timeout(limit),
  now: Date.now,
});
const wanted: IssueRequest = { label: 'drill-2026-0042', expiresAt: Date.parse('2027-01-01T00:00:00Z') };

test('some presets issue, some list, some state a use', () => {
  const count = (part: 'issue' | 'listIssued' | 'listUsage') =>
    cases.filter(({ settings }) => settings[part]).length;
  expect([count('issue'), count('listIssued'), count('listUsage')].every((n) => n >= 3)).toBe(true);
});

describe.each(cases)('the preset $key', ({ key, settings, auth }) => {
  let dialect: PresetSupplier;
  let supplier: ScriptedSupplier;
  let outbound: Outbound;
  let connector: Connector;
  let old: Issued;

  beforeEach(async () => {
    dialect = new PresetSupplier(settings, auth);
    supplier = await new ScriptedSupplier(dialect).start();
    outbound = new Outbound({ outboundAllow: [supplier.hostPort] }, new SystemClock());
    connector = connectorsOver(outbound).get('declarative-http')!;
    old = supplier.issue('old');
  });
  afterEach(async () => {
    await outbound.close();
    await supplier.stop();
  });

  const target = (issued: Issued, more: Partial<Target<unknown>> = {}): Target<unknown> => ({
    settings,
    baseUrl: supplier.baseUrl,
    auth: Object.fromEntries(Object.entries(dialect.admin).map(([name, value]) => [name, Secret.of(value)])),
    credentialKind: 'key',
    supplierId: issued.id,
    value: Secret.of(issued.value),
    ...more,
  });
  const made = () => supplier.issued.filter(({ name }) => name === 'made');
  /** Every value that the supplier ever made, in whatever may be kept. */
  function holdsNoValue(kept: unknown): void {
    const text = JSON.stringify(kept);
    for (const { value } of supplier.issued) {
      expect(text).not.toContain(value);
      expect(text).not.toContain(Buffer.from(value).toString('base64').slice(4, 40));
      expect(text).not.toContain(JSON.stringify(value).slice(1, -1));
    }
  }

  if (settings.issue) {
    const issue = (more: Partial<Target<unknown>> = {}, limit?: number) =>
      connector.issue!(target(old, more), wanted, call(limit));

    test('a new version is had, with its value, and nobody else sees it', async () => {
      const answer = await issue();
      if (answer.outcome !== 'issued') throw new Error(JSON.stringify(answer));
      expect(made()).toHaveLength(1);
      expect(answer.issued.value.use((value) => value)).toBe(made()[0]?.value);
      if (settings.issue?.id === 'same') expect(answer.issued.supplierId).toBe(old.id);
      else if (settings.issue?.id) expect(answer.issued.supplierId).toBe(made()[0]?.id);
      if (settings.issue?.expiresAt) expect(answer.issued.expiresAt).toBe(wanted.expiresAt);
      holdsNoValue(answer);
      const look = await connector.probe!(target(made()[0]!), call());
      expect(look.verdict).toBe('live');
    });

    test('where the supplier chooses the end, none is asked for', async () => {
      const answer = await connector.issue!(target(old), { ...wanted, expiresAt: null }, call());
      expect(answer.outcome).toBe('issued');
      expect(supplier.asked.some(({ body }) => /expires|endDate/.test(body))).toBe(false);
    });

    test('a lost answer is unknown, and the list settles it', async () => {
      supplier.goesWrong('lost', 'issue', 1);
      expect(await issue()).toMatchObject({ outcome: 'unknown' });
      expect(made()).toHaveLength(1);
      if (!settings.listIssued) return;
      dialect.first = 'listIssued';
      const listed = await connector.listIssued!(target(old), call());
      if (listed.outcome !== 'listed') throw new Error(JSON.stringify(listed));
      expect(listed.versions.map(({ supplierId }) => supplierId)).toContain(made()[0]?.id);
    });

    test('what is not listed is unknown, and no value in it is kept', async () => {
      supplier.goesWrong('blurts', 'issue', 1);
      const answer = await issue();
      expect(answer.outcome).toBe('unknown');
      expect(made()).toHaveLength(1);
      holdsNoValue(answer);
    });

    test.each([
      ['server_error', 'unknown'],
      ['redirect', 'unknown'],
      ['bomb', 'unknown'],
      ['too_many', 'retry'],
    ] as const)('"%s" is %s, and is asked once', async (fault, outcome) => {
      supplier.goesWrong(fault, 'issue');
      const answer = await issue();
      const listed = settings.issue?.answers.some(({ status }) => [status].flat().includes(429)) === true;
      // A supplier for which 429 stands for its limit of versions says that it will not.
      expect(answer.outcome).toBe(fault === 'too_many' && listed ? 'rejected' : outcome);
      if (answer.outcome === 'retry') expect(answer.after).toBe(7000);
      expect(supplier.kinds().filter((kind) => kind === 'issue')).toHaveLength(1);
    });

    test.each(['html', 'nasty', 'echo'] as const)('"%s" makes no version', async (fault) => {
      supplier.goesWrong(fault, 'issue');
      const answer = await issue();
      expect(['unknown', 'rejected']).toContain(answer.outcome);
      holdsNoValue(answer);
    });

    test('nobody listening: certainly not made', async () => {
      const { baseUrl } = supplier;
      await supplier.stop();
      expect(await issue({ baseUrl })).toMatchObject({ outcome: 'retry' });
    });

    test('a slow drip ends with the call, and may have made one', async () => {
      supplier.goesWrong('drip', 'issue');
      expect(['unknown', 'retry']).toContain((await issue({}, 150)).outcome);
    });
  }

  if (settings.listIssued) {
    test('the list names what there is, and never a value', async () => {
      const other = supplier.issue('other');
      dialect.first = 'listIssued';
      const listed = await connector.listIssued!(target(old), call());
      if (listed.outcome !== 'listed') throw new Error(JSON.stringify(listed));
      expect(listed.versions.map(({ supplierId }) => supplierId)).toEqual([old.id, other.id]);
      if (settings.listIssued?.label) expect(listed.versions[1]?.label).toBe('other');
      holdsNoValue(listed);
    });

    test('half a list is none', async () => {
      if (settings.listIssued?.pageSize === undefined) return;
      for (let n = 0; n < settings.listIssued.pageSize; n++)
        supplier.issued.push({ ...old, id: `more-${n}` });
      expect(await connector.listIssued!(target(old), call())).toMatchObject({ outcome: 'unknown' });
    });

    test.each(['lost', 'server_error', 'too_many', 'html', 'redirect', 'bomb'] as const)(
      'a list that meets "%s" tells nothing',
      async (fault) => {
        dialect.first = 'listIssued';
        supplier.goesWrong(fault, 'list');
        const answer = await connector.listIssued!(target(old), call());
        expect(answer.outcome).toBe('unknown');
        if (fault === 'too_many') expect(answer).toMatchObject({ retryAfter: 7000 });
      },
    );
  }

  if (settings.listUsage) {
    test('the last use is stated, or unknown; never invented', async () => {
      dialect.first = 'listUsage';
      const stated = await connector.listUsage!(target(old), call());
      expect(stated).toMatchObject({ outcome: 'stated', lastUsedAt: Date.parse('2026-11-20T10:00:00Z') });
      holdsNoValue(stated);
      for (const fault of ['lost', 'server_error', 'html', 'refuse_all'] as const) {
        supplier.faults.length = 0;
        // Some share their address with the probe, which then hears the same.
        supplier.goesWrong(fault, 'any');
        expect((await connector.listUsage!(target(old), call())).outcome).toBe('unknown');
      }
    });
  }

  test(`${key} says of each capability what it does`, () => {
    const abilities = connector.abilities(settings);
    expect(abilities.issue).toBe(settings.issue?.makes ?? 'no');
    expect(abilities.listUsage).toBe(settings.listUsage !== undefined);
  });
});
