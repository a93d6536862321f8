import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { z } from 'zod';
import { startApp, type TestApp } from '../support/app.ts';
import { GateScene } from '../support/gate-scene.ts';

// The example for CI as a pipeline runs it: its own steps, in a shell, with the built command. `npm test` builds it first.

const LONG = 120_000;
const root = join(import.meta.dirname, '..', '..');
const example = join(root, 'templates/ci');

const workflowSchema = z.object({
  name: z.string(),
  on: z.object({ pull_request: z.object({ paths: z.array(z.string()) }) }),
  permissions: z.record(z.string(), z.string()),
  jobs: z.object({
    gate: z.object({
      'runs-on': z.string(),
      steps: z.array(
        z.strictObject({
          name: z.string().optional(),
          id: z.string().optional(),
          if: z.string().optional(),
          uses: z
            .string()
            .regex(/^[\w-]+\/[\w/-]+@v\d+$/)
            .optional(),
          with: z.record(z.string(), z.unknown()).optional(),
          run: z.string().optional(),
          env: z.record(z.string(), z.string()).optional(),
        }),
      ),
    }),
  }),
});
const workflow = workflowSchema.parse(parse(readFileSync(join(example, 'github-actions.yml'), 'utf8')));
const stepNamed = (name: string) => workflow.jobs.gate.steps.find((step) => step.name === name)!;

let folder: string;
let world: TestApp;
let scene: GateScene;
let url: string;
let token: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'countersign-ci-'));
  await mkdir(join(folder, 'bin'));
  // What `npm install --global` would put there.
  const command = join(folder, 'bin/countersign');
  await writeFile(command, `#!/bin/sh\nexec "${process.execPath}" "${join(root, 'dist/src/cli.js')}" "$@"\n`);
  await chmod(command, 0o755);
  await copyFile(join(example, 'countersign.yaml'), join(folder, 'countersign.yaml'));
  world = await startApp();
  scene = await GateScene.set(world);
  token = await world.token('integration_engineer');
  await world.app.listen(0, '127.0.0.1');
  url = (await world.app.getUrl()).replace('[::1]', '127.0.0.1');
}, LONG);
afterAll(async () => {
  await world.close();
  await rm(folder, { recursive: true, force: true });
});

/** One step as the runner does it: `bash -e`, in the checkout, with what the workflow gives it. */
async function run(name: string, given: Record<string, string>): Promise<{ status: number; out: string }> {
  const step = stepNamed(name);
  const env = Object.fromEntries(
    Object.entries(step.env ?? {}).map(([variable, expression]) => {
      const [, wanted = ''] = /^\$\{\{ (?:vars|secrets)\.(\w+) \}\}$/.exec(expression) ?? [];
      expect(wanted).not.toBe('');
      return [variable, given[wanted] ?? ''];
    }),
  );
  const child = spawn('bash', ['-e', '-c', step.run!], {
    cwd: folder,
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH'] ?? ''}`, HOME: folder, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let out = '';
  child.stdout.on('data', (chunk: Buffer) => (out += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (out += chunk.toString()));
  const [status] = (await once(child, 'close')) as [number];
  return { status, out };
}

const sarifSchema = z.object({
  version: z.literal('2.1.0'),
  runs: z.tuple([
    z.object({
      results: z.array(
        z.object({
          ruleId: z.string(),
          level: z.enum(['error', 'warning', 'note']),
          locations: z.array(
            z.object({
              physicalLocation: z.object({
                artifactLocation: z.object({ uri: z.literal('countersign.yaml') }),
                region: z.object({ startLine: z.int().min(1) }),
              }),
            }),
          ),
        }),
      ),
    }),
  ]),
});
const findings = async () =>
  sarifSchema.parse(JSON.parse(await readFile(join(folder, 'gate.sarif'), 'utf8'))).runs[0].results;

describe('the example for CI', () => {
  test('runs on the manifest that it stands beside, and names what npm installs by a variable of one’s own', () => {
    expect(workflow.on.pull_request.paths).toContain('countersign.yaml');
    const install = stepNamed('Install the command');
    expect(install.run).toBe('npm install --global "$COUNTERSIGN_PACKAGE"');
    expect(workflow.permissions).toEqual({ contents: 'read', 'security-events': 'write' });
    const upload = stepNamed('Show the findings on their lines');
    expect(upload.with).toEqual({ sarif_file: 'gate.sarif' });
  });

  test(
    'without an installation the manifest is judged by itself: refused, each finding on its line',
    async () => {
      const { status } = await run('Ask the gate', {});
      expect(status).toBe(1);
      const found = await findings();
      expect(found.filter(({ level }) => level === 'error').length).toBeGreaterThan(0);
      const manifest = (await readFile(join(folder, 'countersign.yaml'), 'utf8')).split('\n');
      for (const one of found) {
        const [{ physicalLocation }] = one.locations as [(typeof one.locations)[number]];
        expect(manifest[physicalLocation.region.startLine - 1]).toBeDefined();
      }
      const said = await run('Say them in the log', {});
      expect(said).toMatchObject({ status: 0, out: expect.stringMatching(/^REFUSED/m) });
    },
    LONG,
  );

  test(
    'with an installation it passes once both sides signed and the paths were tried, and not before',
    async () => {
      const given = { COUNTERSIGN_URL: url, COUNTERSIGN_TOKEN: token };
      expect(await run('Ask the gate', given)).toMatchObject({ status: 1 });
      await scene.sign('northwind');
      await scene.sign('paylane');
      await scene.drill();
      await scene.confirmContacts();
      expect(await run('Ask the gate', given)).toEqual({ status: 0, out: '' });
      expect((await findings()).filter(({ level }) => level === 'error')).toEqual([]);
      expect(await run('Say them in the log', given)).toMatchObject({ out: expect.stringMatching(/^PASS/m) });
    },
    LONG,
  );

  test(
    'a manifest that cannot be read fails the check with its own status',
    async () => {
      await writeFile(join(folder, 'countersign.yaml'), 'countersign: 1\nintegrations: [\n');
      const { status, out } = await run('Ask the gate', {});
      expect(status).toBe(2);
      expect(out).toContain('countersign.yaml');
    },
    LONG,
  );
});
