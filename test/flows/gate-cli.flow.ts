import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { Command } from 'commander';
import { addGate } from '../../src/cli/gate.command.ts';
import { addPolicy } from '../../src/cli/policy.command.ts';
import { reportFailure } from '../../src/cli/failure.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { GateScene, manifestText } from '../support/gate-scene.ts';

const AT = '2026-11-22T12:00:00Z';
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-gate-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** The command as an operator runs it: what it prints, and its exit status. */
async function countersign(...words: string[]): Promise<{ out: string; told: string; status: number }> {
  const program = new Command('countersign').exitOverride();
  for (const add of [addGate, addPolicy]) add(program);
  const [out, told] = [[] as string[], [] as string[]];
  const [stdout, stderr, before] = [process.stdout.write, process.stderr.write, process.exitCode];
  process.stdout.write = (text: string | Uint8Array) => out.push(String(text)) > 0;
  process.stderr.write = (text: string | Uint8Array) => told.push(String(text)) > 0;
  process.exitCode = 0;
  let status: number;
  try {
    await program.parseAsync(['node', 'countersign', ...words]);
    status = Number(process.exitCode);
  } catch (thrown) {
    status = reportFailure(thrown);
  } finally {
    process.stdout.write = stdout;
    process.stderr.write = stderr;
    process.exitCode = before;
  }
  return { out: out.join(''), told: told.join(''), status };
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name);
  await writeFile(path, text);
  return path;
}

const gate = (path: string, ...more: string[]) =>
  countersign('gate', '--manifest', path, '--at', AT, ...more);
const evidence = (matrixHash: string, more = '') => `
evidence:
  attestations:
    - { integration: checkout, party: northwind, matrixHash: ${matrixHash}, strength: account_mfa, at: '2026-11-20T10:00:00Z' }
    - { integration: checkout, party: paylane, matrixHash: ${matrixHash}, strength: second_channel, at: '2026-11-20T10:00:00Z' }
  drills:
    - { credential: checkout-token, path: 1, at: '2026-11-19T10:00:00Z', passed: true, minutes: 2 }
  contacts:
    - { contact: shop-desk, confirmedAt: '2026-11-01T10:00:00Z' }
    - { contact: paylane-desk, confirmedAt: '2026-11-01T10:00:00Z' }
  parties:
    - { party: paylane, verifiedAt: '2026-10-01T10:00:00Z' }
${more}`;

describe('a manifest in a pipeline', () => {
  let hash: string;

  test('without evidence it is refused, and each finding says how to mend it', async () => {
    const path = await file('bare.yaml', manifestText());
    const { out, status } = await gate(path, '--format', 'json');
    expect(status).toBe(1);
    const said = JSON.parse(out);
    expect(said.findings[0]).toEqual({
      rule: 'matrix-not-countersigned',
      severity: 'critical',
      subject: expect.objectContaining({ kind: 'matrix' }),
      message: expect.any(String),
      mend: expect.any(String),
      frameworks: expect.arrayContaining([{ framework: 'OWASP NHI 2025', id: 'NHI3:2025' }]),
      exception: null,
      integration: 'checkout',
    });
    hash = said.integrations[0].matrixHash;
    expect(hash).toMatch(/^[0-9a-f]{64}$/);
  });

  test('with evidence for this matrix it passes, and says that nobody has checked it', async () => {
    const path = await file('whole.yaml', manifestText() + evidence(hash));
    const { out, status } = await gate(path);
    expect(status).toBe(0);
    expect(out).toMatch(/^PASS/);
    expect(out).toContain('3 pieces of evidence are only declared');
    const json = JSON.parse((await gate(path, '--format', 'json')).out);
    expect(json).toMatchObject({ verdict: 'pass', findings: [] });
    expect(new Set(json.integrations[0].evidence.map(({ origin }: { origin: string }) => origin))).toEqual(
      new Set(['declared']),
    );
  });

  test('evidence for another matrix, too old, or from the future does not count', async () => {
    const other = await file('other.yaml', manifestText() + evidence('ab'.repeat(32)));
    expect((await gate(other)).out).toContain('signed another content');
    const whole = join(folder, 'whole.yaml');
    const rules = async (at: string) =>
      JSON.parse(
        (await countersign('gate', '--manifest', whole, '--at', at, '--format', 'json')).out,
      ).findings.map(({ rule }: { rule: string }) => rule);
    expect(await rules('2027-11-21T00:00:00Z')).toEqual(
      expect.arrayContaining(['matrix-not-countersigned', 'untried-stop-path', 'rotation-interval']),
    );
    expect(await rules('2026-11-18T00:00:00Z')).toEqual(
      expect.arrayContaining(['matrix-not-countersigned', 'untried-stop-path']),
    );
  });

  test('an edited cell needs new signatures', async () => {
    const edited = manifestText().replace(
      '{ duty: storage, accountable: northwind',
      '{ duty: storage, accountable: paylane',
    );
    const { status, out } = await gate(await file('edited.yaml', edited + evidence(hash)));
    expect(status).toBe(1);
    expect(out).toContain('signed another content');
  });

  test('24 hours agreed against a runbook that takes two business days: both places are named', async () => {
    const runbooks = await mkdtemp(join(folder, 'runbooks-'));
    await writeFile(
      join(runbooks, 'slow.yaml'),
      `id: slow
title: Tell them after legal has read it
version: 1
steps:
  - { id: legal, title: Legal reads it, uses: manual-task, with: { what: Read it. }, takes: 2 business-days, owner: contract_owner }
  - { id: send, title: Send, uses: send-notice, forEach: notices-owed, needs: [legal] }
`,
    );
    const { out, status } = await gate(join(folder, 'whole.yaml'), '--runbooks', runbooks);
    expect(status).toBe(1);
    expect(out).toContain(
      'tell-paylane promises a notice within 24 hours; the runbook Tell them after legal has read it needs 2 business days',
    );
    expect(out).toContain('Payment services 2026, term tell-paylane: a notice within 24 hours');
    expect(out).toContain('runbook slow, steps legal: 2 business days before step send');
  });

  test('SARIF names the rule, its level, and the line of the manifest', async () => {
    const text = manifestText().replace('type: vault,', 'type: laptop,');
    const path = await file('laptop.yaml', text + evidence(hash));
    const sarif = JSON.parse((await gate(path, '--format', 'sarif')).out);
    expect(sarif).toMatchObject({ version: '2.1.0', $schema: expect.stringContaining('sarif-2.1.0') });
    const [run] = sarif.runs;
    expect(run.results).toHaveLength(1);
    const [result] = run.results;
    expect(run.tool.driver.rules[result.ruleIndex].id).toBe(result.ruleId);
    expect(result).toMatchObject({
      ruleId: 'allowed-stores',
      level: 'error',
      message: { text: expect.any(String) },
    });
    const { startLine } = result.locations[0].physicalLocation.region;
    expect(
      text
        .split('\n')
        .slice(startLine - 1, startLine + 2)
        .join('\n'),
    ).toContain('key: checkout-vault');
    expect(result.locations[0].physicalLocation.artifactLocation.uri).not.toContain('\\');
  });

  test('JUnit has a test for each rule, and a failure for each that found something', async () => {
    const { out } = await gate(join(folder, 'laptop.yaml'), '--format', 'junit');
    expect(out).toMatch(/^<\?xml version="1.0" encoding="UTF-8"\?>\n<testsuites [^>]*failures="1"/);
    expect(out.match(/<testcase /g)!.length).toBe(Number(/tests="(\d+)"/.exec(out)![1]));
    expect(out.match(/<failure /g)).toHaveLength(1);
    expect(out.match(/<testcase /g)!.length).toBe(out.match(/<\/testcase>/g)!.length);
  });

  test.each([
    ['no YAML', 'integrations: [', []],
    ['an unknown list', 'widgets: []', []],
    ['an unknown field', manifestText().replace('riskTier: 2', 'riskTeir: 2'), []],
    ['no integration', 'parties: []', []],
    [
      'a credential of nobody',
      manifestText().replace(
        'integration: checkout\n    name: Checkout access',
        'integration: nobody\n    name: Checkout access',
      ),
      [],
    ],
    [
      'evidence of the wrong shape',
      `${manifestText()}evidence: { attestations: [{ integration: checkout }] }\n`,
      [],
    ],
    ['a hash that is none', manifestText() + evidence('zz'), []],
    [
      'a secret',
      manifestText().replace(
        'type: oauth_access_token',
        'type: oauth_access_token\n    value: s3cr3t-canary',
      ),
      [],
    ],
    ['a bad instant', manifestText(), ['--at', 'tomorrow']],
    ['a policy that is not there', manifestText(), ['--policy', '/nowhere/policy.yaml']],
  ])('%s: status 2, nothing judged', async (_, text, more) => {
    const path = await file('bad.yaml', text);
    const { out, told, status } = await countersign('gate', '--manifest', path, ...more);
    expect({ status, out }).toEqual({ status: 2, out: '' });
    expect(told).toMatch(/^countersign: /);
    expect(told).not.toContain('s3cr3t-canary');
  });

  test('a policy that fails its schema: status 2; one that fits is used', async () => {
    const whole = join(folder, 'whole.yaml');
    const bad = await file(
      'bad-policy.yaml',
      'format: 1\npolicy: mine\ntitle: Mine\nversion: 1\nlimits: { drillAge: soon }\n',
    );
    expect(await gate(whole, '--policy', bad)).toMatchObject({
      status: 2,
      told: expect.stringContaining('/limits/drillAge'),
    });
    const own =
      'format: 1\npolicy: mine\ntitle: Mine\nversion: 1\nextends: baseline\nlimits: { drillAge: 1d }\n';
    const strict = await gate(whole, '--policy', await file('mine.yaml', own));
    expect(strict).toMatchObject({ status: 1, out: expect.stringContaining('policy mine version 1') });
    expect(strict.out).toContain('untried-stop-path');
  });
});

describe('with a server', () => {
  let world: TestApp;
  let scene: GateScene;
  let url: string;
  let token: string;
  const ask = (...words: string[]) => countersign('gate', ...words, '--server', url, '--token', token);

  beforeAll(async () => {
    world = await startApp();
    scene = await GateScene.set(world);
    token = await world.token('integration_engineer');
    await world.app.listen(0, '127.0.0.1');
    url = (await world.app.getUrl()).replace('[::1]', '127.0.0.1');
  });
  afterAll(() => world.close());

  test('what a manifest declares counts for nothing; what is on record does', async () => {
    const bare = join(folder, 'bare.yaml');
    const whole = join(folder, 'whole.yaml');
    const refused = await ask('--manifest', whole, '--format', 'json');
    expect(refused.status).toBe(1);
    expect(JSON.parse(refused.out).integrations[0]).toMatchObject({ blocking: 3, evidence: [] });
    await scene.sign('northwind');
    await scene.sign('paylane');
    await scene.drill();
    await scene.confirmContacts();
    const passed = await ask('--manifest', bare, '--format', 'json');
    expect({ status: passed.status, told: passed.told }).toEqual({ status: 0, told: '' });
    const [one] = JSON.parse(passed.out).integrations;
    expect(new Set(one.evidence.map(({ origin }: { origin: string }) => origin))).toEqual(
      new Set(['recorded']),
    );
  });

  test('a proposed edit of the matrix is refused before it is made', async () => {
    const edited = await ask('--manifest', join(folder, 'edited.yaml'));
    expect(edited.status).toBe(1);
    expect(edited.out).toContain('has not signed it');
  });

  test('an integration on record is asked by its reference, and the dry run is recorded there', async () => {
    expect(await ask(scene.reference)).toMatchObject({ status: 0, out: expect.stringMatching(/^PASS/) });
    expect(await scene.query(`SELECT kind, verdict FROM gate_decision`)).toEqual([
      { kind: 'dry_run', verdict: 'pass' },
    ]);
  });

  test.each([
    [
      'a token that is none',
      () => countersign('gate', scene.reference, '--server', url, '--token', 'cst_wrong'),
    ],
    ['no token', () => countersign('gate', scene.reference, '--server', url)],
    [
      'nobody there',
      () => countersign('gate', scene.reference, '--server', 'http://127.0.0.1:9', '--token', 'x'),
    ],
    ['an unknown integration', () => ask('INT-1999-0001')],
  ])('%s: status 2', async (_, run) => {
    expect(await run()).toMatchObject({ status: 2, out: '' });
  });
});

describe('policy test', () => {
  test('the templates and their tests are sound', async () => {
    const { out, status } = await countersign('policy', 'test', 'templates/policies');
    expect(status).toBe(0);
    expect(out).toMatch(/0 errors, \d+ warnings; 9 cases passed, 0 failed\n$/);
  });

  test('a test that does not hold is named: status 1; a contradiction: status 2', async () => {
    await file(
      'wrong.test.yaml',
      `manifest: bare.yaml\nat: '${AT}'\ncases: [{ name: it passes unsigned, signed: false, expect: { verdict: pass } }]\n`,
    );
    const failed = await countersign('policy', 'test', join(folder, 'wrong.test.yaml'));
    expect(failed).toMatchObject({
      status: 1,
      out: expect.stringContaining('FAILED  wrong.test.yaml: it passes unsigned'),
    });
    const contradiction =
      'format: 1\npolicy: mine\ntitle: Mine\nversion: 1\nextends: baseline\nlimits: { rotateEvery: { kinds: { api_key: 400d } } }\n';
    const refused = await countersign('policy', 'test', await file('contradiction.yaml', contradiction));
    expect(refused).toMatchObject({ status: 2, out: expect.stringContaining('would end before') });
  });
});
