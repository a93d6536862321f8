import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Call, Connector, ProbeAnswer, Target } from '../../src/domain/revocation/connector.ts';
import { probeRows } from '../../src/domain/revocation/answers.rules.ts';
import { Connectors } from '../../src/domain/revocation/connectors.ts';
import { readPresetFiles } from '../../src/domain/revocation/preset-files.ts';
import { deathOf, type Sighting } from '../../src/domain/revocation/death.rules.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { templatesFolder } from '../../src/platform/config/templates.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { visible } from '../../src/platform/http/redactor.ts';
import type { DeclarativeHttpSettings } from '../../src/plugins/connectors/declarative-http/declarative-http.settings.ts';
import { connectorClasses } from '../../src/plugins/connectors/registry.ts';
import { PresetSupplier } from '../support/preset-supplier.ts';
import {
  clientRegistration,
  datadog,
  gitlab,
  oauth,
  ScriptedSupplier,
  sendgrid,
  slack,
  type Dialect,
  type Issued,
} from '../support/scripted-supplier.ts';
import { awsIam } from '../support/scripted-aws.ts';
import { vaultLease, vaultToken } from '../support/scripted-vault.ts';

/** Suppliers written by hand, from what is known of them and not from the preset. */
const SPOKEN: Record<string, Dialect> = {
  'aws-iam-access-key': awsIam,
  'client-registration': clientRegistration,
  datadog,
  'gitlab-pat': gitlab,
  'oauth-generic': oauth,
  sendgrid,
  slack,
  'vault-lease': vaultLease,
  'vault-token': vaultToken,
};

/** Presets that find no death by machine, and why that is so. */
const FINDS_NOTHING: Record<string, string> = {
  'by-person': 'nothing can be asked',
  'oauth-revoke-only': 'nothing can be asked',
  'aws-secret-copy': 'what a store says of its copy is no word about the credential',
  'vault-kv-copy': 'what a store says of its copy is no word about the credential',
};

/** They speak to the verifiers that a connection lists, not for a supplier: own-verifiers.contract.ts tries them there. */
const AT_OWN_VERIFIERS: readonly string[] = ['client-certificate', 'webhook-secret'];

const connectorsOver = (outbound: Outbound) =>
  new Connectors(connectorClasses.map((one) => new one(outbound)));
const offline = connectorsOver(new Outbound({ outboundAllow: [] }, new SystemClock()));
const presets = readPresetFiles(offline, templatesFolder('connectors'));
const cases = presets
  .filter(({ preset }) => !Object.hasOwn(FINDS_NOTHING, preset.key))
  .flatMap(({ preset, settings }) => {
    const by = (from: string, dialect: () => Dialect) => ({
      key: preset.connector,
      preset: preset.key,
      from,
      dialect,
    });
    const spoken = SPOKEN[preset.key];
    return [
      ...(spoken ? [by('written by hand', () => spoken)] : []),
      ...(preset.connector === 'declarative-http'
        ? [by('as declared', () => new PresetSupplier(settings as DeclarativeHttpSettings, preset.auth))]
        : []),
    ];
  });

function presetOf(connectors: Connectors, key: string) {
  const found = presets.find(({ preset }) => preset.key === key);
  const checked = connectors.check(found?.preset);
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value;
}
const callFor = (limit = 10_000): Call => ({
  idempotencyKey: 'step:1',
  signal: AbortSignal.timeout(limit),
  now: Date.now,
});

test('every preset and every registered connector is spoken for here', () => {
  const tried = new Set([
    ...cases.map(({ preset }) => preset),
    ...Object.keys(FINDS_NOTHING),
    ...AT_OWN_VERIFIERS,
  ]);
  expect(tried).toEqual(new Set(presets.map(({ preset }) => preset.key)));
  const connectors = new Set(presets.map(({ preset }) => preset.connector));
  expect(connectors).toEqual(new Set(offline.all().map(({ key }) => key)));
});

test.each(Object.entries(FINDS_NOTHING))('%s finds no death, as %s', (key) => {
  const { connector, settings } = presetOf(offline, key);
  const rows = probeRows(connector.readings?.(settings) ?? []) ?? [];
  expect(rows.filter((row) => row.means !== 'indeterminate')).toEqual([]);
});

describe.each(cases)('$key with the preset $preset, $from', ({ key, preset, dialect: dialectOf }) => {
  let dialect: Dialect;
  let supplier: ScriptedSupplier;
  let outbound: Outbound;
  let connector: Connector;
  let settings: unknown;
  let leaked: Issued;
  let canary: Issued;

  beforeEach(async () => {
    dialect = dialectOf();
    supplier = await new ScriptedSupplier(dialect).start();
    outbound = new Outbound({ outboundAllow: [supplier.hostPort] }, new SystemClock());
    ({ connector, settings } = presetOf(connectorsOver(outbound), preset));
    expect(connector.key).toBe(key);
    leaked = supplier.issue('leaked');
    canary = supplier.issue('canary');
  });
  afterEach(async () => {
    await outbound.close();
    await supplier.stop();
  });

  type More = Partial<Target<unknown>>;
  const target = (issued: Issued, more: More = {}): Target<unknown> => ({
    settings,
    baseUrl: supplier.baseUrl,
    auth: Object.fromEntries(Object.entries(dialect.admin).map(([name, value]) => [name, Secret.of(value)])),
    credentialKind: 'key',
    supplierId: issued.id,
    value: Secret.of(issued.value),
    ...more,
  });
  const sighting = (answer: ProbeAnswer): Sighting => ({
    verdict: answer.verdict,
    at: answer.exchange?.endedAt ?? Date.now(),
    path: 'p',
  });
  const probe = (issued: Issued, more: More = {}, limit?: number) => {
    if (!connector.probe) throw new Error('no probe');
    return connector.probe(target(issued, more), callFor(limit));
  };
  const revoke = (more: More = {}, limit?: number) => {
    if (!connector.revoke) throw new Error('no revoke');
    return connector.revoke(target(leaked, more), callFor(limit));
  };
  /** Whether a person does what no machine can. */
  const byHand = () => connector.abilities(settings).revoke === 'no';
  /** As the person who is asked, where a person is. */
  async function stop(): Promise<string> {
    const answer = await revoke();
    if (answer.outcome !== 'manual') return answer.outcome;
    expect(answer.instructions).not.toBe('');
    leaked.live = false;
    return 'accepted';
  }
  const nothing = { beforeRevoke: null, revokedAt: null, ownAuthentication: null };

  /** What the domain makes of a look, with the canary as its control. */
  async function judged(more: More = {}, limit?: number) {
    const [seen, control] = [
      sighting(await probe(leaked, more, limit)),
      sighting(await probe(canary, more, limit)),
    ];
    return deathOf({ ...nothing, probe: seen, control, now: Date.now() }).verdict;
  }
  /** The same where the supplier allows no canary. */
  async function judgedWithoutCanary(before: ProbeAnswer | null, revokedAt: number, more: More = {}) {
    const seen = sighting(await probe(leaked, more));
    const own = await connector.checkOwnAuthentication?.(target(leaked, more), callFor());
    const beforeRevoke = before && sighting(before);
    return deathOf({
      probe: seen,
      control: null,
      beforeRevoke,
      revokedAt,
      ownAuthentication: own ? sighting(own) : null,
      now: Date.now(),
    }).verdict;
  }

  test('revoked is dead, and dead twice is dead', async () => {
    expect(await judged()).toBe('live');
    expect(await stop()).toBe('accepted');
    expect(await judged()).toBe('dead');
    expect(['accepted', 'gone']).toContain(await stop());
    expect(await judged()).toBe('dead');
  });

  test('gone is dead', async () => {
    leaked.live = false;
    expect(['accepted', 'gone']).toContain(await stop());
    expect(await judged()).toBe('dead');
  });

  test('a lying yes, or one that is never kept, is no death', async () => {
    if (byHand()) return;
    supplier.goesWrong('lying', 'revoke');
    expect(['accepted', 'gone']).toContain((await revoke()).outcome);
    expect(await judged()).toBe('live');
  });

  test('a lost answer is unknown, and the look settles it', async () => {
    if (byHand()) return;
    supplier.goesWrong('lost', 'revoke', 1);
    expect(await revoke()).toMatchObject({ outcome: 'unknown', exchange: { failure: 'protocol' } });
    expect(await judged()).toBe('dead');
  });

  test('nobody listening: not asked, to be tried again, never dead', async () => {
    const { baseUrl } = supplier;
    await supplier.stop();
    expect(await revoke({ baseUrl })).toMatchObject({ outcome: byHand() ? 'manual' : 'retry' });
    expect(await judged({ baseUrl })).toBe('indeterminate');
  });

  test('a wrong base URL never makes a death', async () => {
    const wrong = { baseUrl: `${supplier.baseUrl}/elsewhere` };
    expect(['unknown', 'rejected', 'gone', 'retry', 'manual']).toContain((await revoke(wrong)).outcome);
    expect(await judged(wrong)).toBe('indeterminate');
    expect(leaked.live).toBe(true);
  });

  test('an emptied supplier never makes a death', async () => {
    supplier.empty();
    expect(await judged()).toBe('indeterminate');
  });

  test('a supplier that refuses everything never makes a death', async () => {
    supplier.goesWrong('refuse_all');
    await revoke();
    expect(await judged()).toBe('indeterminate');
  });

  test('our own authentication, wrong, never makes a death', async () => {
    const revokes = JSON.stringify((settings as { revoke?: unknown }).revoke ?? '{auth.');
    if (byHand() || !/\{(auth\.|token\})/.test(revokes)) return;
    const wrong = {
      auth: Object.fromEntries(Object.keys(dialect.admin).map((name) => [name, Secret.of('stranger')])),
    };
    const before = await probe(leaked, wrong);
    const revokedAt = Date.now();
    const answer = await revoke(wrong);
    expect(leaked.live).toBe(true);
    expect(
      answer.outcome === 'accepted' || (answer.outcome === 'rejected' && answer.ownAuthentication === true),
    ).toBe(true);
    expect(await judged(wrong)).not.toBe('dead');
    expect(await judgedWithoutCanary(before, revokedAt, wrong)).not.toBe('dead');
  });

  test('without a canary: seen live, revoked, refused, and our own authentication accepted', async () => {
    if (!connector.abilities(settings).ownAuthentication) return;
    const before = await probe(leaked);
    const revokedAt = Date.now();
    await revoke();
    expect(await judgedWithoutCanary(before, revokedAt)).toBe('dead');
    expect(await judgedWithoutCanary(null, revokedAt)).toBe('indeterminate');
  });

  test.each(['too_many', 'server_error', 'redirect', 'bomb', 'echo', 'nasty', 'html'] as const)(
    'a look that meets "%s" cannot tell',
    async (fault) => {
      leaked.live = false;
      supplier.goesWrong(fault);
      const answer = await probe(leaked);
      expect(answer.verdict).toBe('indeterminate');
      expect(await judged()).not.toBe('dead');
      if (fault === 'too_many') expect(answer.retryAfter).toBe(7000);
    },
  );

  test.each([
    ['too_many', 'retry'],
    ['server_error', 'unknown'],
    ['redirect', 'unknown'],
    ['bomb', 'unknown'],
  ] as const)('a revoke that meets "%s" is %s', async (fault, outcome) => {
    if (byHand()) return;
    supplier.goesWrong(fault, 'revoke');
    const answer = await revoke();
    expect(answer.outcome).toBe(outcome);
    if (fault === 'too_many') expect(answer).toMatchObject({ after: 7000 });
    expect(supplier.kinds().filter((kind) => kind === 'revoke')).toHaveLength(1);
  });

  test('a slow drip ends with the call, and tells nothing', async () => {
    leaked.live = false;
    supplier.goesWrong('drip');
    const began = Date.now();
    expect(await judged({}, 150)).toBe('indeterminate');
    // Where we could not even log in, nothing was asked.
    expect(['unknown', 'retry', 'manual']).toContain((await revoke({}, 150)).outcome);
    expect(Date.now() - began).toBeLessThan(5000);
  });

  test('nothing that is kept shows a secret, whatever the supplier sends back', async () => {
    const secrets = [
      leaked.value,
      canary.value,
      ...Object.values(dialect.admin).filter((one) => one.length > 12),
    ];
    for (const fault of ['echo', 'nasty', 'refuse_all', 'lost'] as const) {
      supplier.faults.length = 0;
      supplier.goesWrong(fault);
      const own = await connector.checkOwnAuthentication?.(target(leaked), callFor());
      const sessions = await connector.endSessions?.(target(leaked), callFor());
      for (const answer of [await revoke(), await probe(leaked), own, sessions]) {
        const text = JSON.stringify(answer ?? null);
        for (const secret of secrets) {
          const forms = [
            secret,
            Buffer.from(secret).toString('base64').slice(2, -4),
            encodeURIComponent(secret),
            Buffer.from(secret).toString('hex'),
          ];
          for (const form of forms) expect(text).not.toContain(form);
        }
        const extract = answer && 'exchange' in answer ? (answer.exchange?.extract ?? '') : '';
        expect(extract).toBe(visible(extract));
        expect(extract.length).toBeLessThanOrEqual(2000);
      }
    }
  });

  test('an id that would leave its place in the path is not asked for', async () => {
    if (connector.abilities(settings).revoke !== 'id') return;
    for (const supplierId of ['..', '.', '', '../../x', 'a/b', 'a\u0000b']) {
      // Where the id stands in the body it changes nothing of the place.
      expect(['rejected', 'gone']).toContain((await revoke({ supplierId })).outcome);
    }
    const places = supplier.asked.filter(({ kind }) => kind === 'revoke').map(({ url }) => url);
    for (const url of places) {
      expect(url).not.toMatch(/\/(\.|%2e){1,2}(\/|\?|$)|%2f|%5c|%00/i);
      expect(url).not.toMatch(/\/(\/|\?|$)/);
    }
    expect([leaked.live, canary.live]).toEqual([true, true]);
  });

  test('an answer about somebody else’s is no answer', async () => {
    if (!(dialect instanceof PresetSupplier)) return;
    dialect.namesOthers = true;
    const named = (part: 'probe' | 'revoke') =>
      JSON.stringify((settings as Record<string, unknown>)[part] ?? '').includes('"sameAs":"supplierId"');
    const revoked = named('revoke') ? await revoke() : null;
    if (revoked) expect(revoked.outcome).toBe('unknown');
    leaked.live = true;
    if (named('probe')) expect((await probe(leaked)).verdict).toBe('indeterminate');
  });

  test('a value with a line break injects nothing and is not printed', async () => {
    const answer = await probe(leaked, { value: Secret.of('top-secret-value\r\nx-injected: 1') });
    if (connector.abilities(settings).probe === 'value') expect(answer.verdict).not.toBe('live');
    expect(JSON.stringify(answer)).not.toContain('top-secret-value');
    expect(supplier.asked.every((one) => one.headers['x-injected'] === undefined)).toBe(true);
  });

  test('is refused by the guard without an allow entry', async () => {
    const unlisted = offline.get(key);
    const refused = { exchange: { failure: 'refused_by_guard' } };
    expect(await unlisted?.revoke?.(target(leaked), callFor())).toMatchObject(
      byHand() ? { outcome: 'manual' } : { outcome: 'retry', ...refused },
    );
    expect(await unlisted?.probe?.(target(canary), callFor())).toMatchObject({
      verdict: 'indeterminate',
      ...refused,
    });
    expect(supplier.asked).toEqual([]);
  });
});

describe('what only some suppliers do', () => {
  test.each([
    { preset: 'sendgrid', dialect: sendgrid, verdict: 'live' },
    { preset: 'datadog', dialect: datadog, verdict: 'dead' },
  ])('403 means $verdict at $preset', async ({ preset, dialect, verdict }) => {
    const supplier = await new ScriptedSupplier(dialect).start();
    const outbound = new Outbound({ outboundAllow: [supplier.hostPort] }, new SystemClock());
    const { connector, settings } = presetOf(connectorsOver(outbound), preset);
    const issued = supplier.issue('key', { narrow: true, live: verdict === 'live' });
    const target = {
      settings,
      baseUrl: supplier.baseUrl,
      auth: {},
      credentialKind: 'k',
      supplierId: issued.id,
      value: Secret.of(issued.value),
    };
    expect(await connector.probe?.(target, callFor())).toMatchObject({ verdict, exchange: { status: 403 } });
    await outbound.close();
    await supplier.stop();
  });

  test('a person is told what to do, and nothing is dead by it', async () => {
    const manual = offline.get('manual');
    const settings = { instructions: 'Ask for {supplierId} ({kind}).' };
    const target = {
      settings,
      baseUrl: '',
      auth: {},
      credentialKind: 'edi',
      supplierId: 'K$&1',
      value: null,
    };
    expect(await manual?.revoke?.(target, callFor())).toEqual({
      outcome: 'manual',
      instructions: 'Ask for K$&1 (edi).',
    });
    expect(manual?.probe).toBeUndefined();
    expect(manual?.abilities(settings)).toMatchObject({ revoke: 'no', probe: 'no' });
  });

  test('a self-contained token leaves sessions until it expires', async () => {
    const connector = offline.get('oauth-revocation');
    const exp = Math.floor(Date.now() / 1000) + 600;
    const jwt = ['{"alg":"RS256"}', JSON.stringify({ exp }), 'sig']
      .map((part) => Buffer.from(part).toString('base64url'))
      .join('.');
    const settings = connector?.settings.parse({ introspectionPath: '/i' });
    const target = {
      settings,
      baseUrl: 'https://as.example',
      auth: {},
      credentialKind: 'k',
      supplierId: null,
      value: Secret.of(jwt),
    };
    expect(await connector?.endSessions?.(target, callFor())).toMatchObject({
      outcome: 'residual',
      until: exp * 1000,
    });
    expect(
      await connector?.endSessions?.({ ...target, value: Secret.of('opaque') }, callFor()),
    ).toMatchObject({ outcome: 'unknown' });
  });
});
