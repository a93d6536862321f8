import { execFile } from 'node:child_process';
import {
  appendFileSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
  mkdirSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { transformSync } from '@swc/core';
import { exportLedger } from '../../src/domain/ledger/export-ledger.ts';
import { newId } from '../../src/kernel/ids.ts';
import { AT, LedgerOnTrial } from '../support/ledger-on-trial.ts';

let ledger: LedgerOnTrial;
beforeEach(async () => void (ledger = await LedgerOnTrial.open()));
afterEach(() => ledger.close());

describe("the auditor's verifier", () => {
  let tool: string;
  // Compiled from itself and the kernel alone: it could not run if it needed more.
  beforeAll(() => {
    tool = mkdtempSync(join(tmpdir(), 'cs verify-'));
    mkdirSync(join(tool, 'kernel'));
    writeFileSync(join(tool, 'package.json'), '{"type":"module"}');
    symlinkSync(join(process.cwd(), 'node_modules'), join(tool, 'node_modules'));
    const kernel = readdirSync('src/kernel').filter(
      (name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'),
    );
    for (const name of ['verify.ts', ...kernel.map((file) => `kernel/${file}`)]) {
      const { code } = transformSync(readFileSync(join('src', name), 'utf8'), {
        swcrc: false,
        configFile: false,
        jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
      });
      writeFileSync(
        join(tool, name.replace(/ts$/, 'js')),
        code.replaceAll(/(from '\.[^']*)\.ts'/g, "$1.js'"),
      );
    }
  });
  afterAll(() => rmSync(tool, { recursive: true, force: true }));

  const verify = (...args: string[]) =>
    promisify(execFile)(process.execPath, [join(tool, 'verify.js'), ...args]).then(
      ({ stdout, stderr }) => ({ status: 0, stdout, stderr }),
      (thrown: { code: number; stdout: string; stderr: string }) => ({ ...thrown, status: thrown.code }),
    );

  test('checks an export without this server', async () => {
    const [id] = await ledger.write(3, { committed: { name: 'A. Person' } });
    await ledger.settle();
    await ledger.run((db) =>
      ledger.service.eraseDetail(db, {
        entryId: id!,
        field: 'name',
        basis: 'retention',
        by: ledger.by,
        at: AT,
      }),
    );
    await ledger.settle();
    await ledger.write(1);
    await ledger.settle();
    const { origin, vkey } = ledger.keys.signer();
    const file = join(ledger.dataFolder, 'ledger.jsonl');
    expect(await exportLedger({ dataSource: ledger.dataSource, origin, file })).toEqual({
      entries: 5,
      checkpoints: 3,
    });
    await expect(exportLedger({ dataSource: ledger.dataSource, origin, file })).rejects.toThrow(
      'is there already',
    );
    const copies = join(
      ledger.folder.path,
      readdirSync(ledger.folder.path).find((name) => name.endsWith('.txt'))!,
    );

    const sound = await verify(file, '--vkey', vkey, '--checkpoint', copies, '--json');
    expect(sound).toMatchObject({ status: 0, stderr: '' });
    expect(JSON.parse(sound.stdout)).toMatchObject({
      sound: true,
      vouched: true,
      entries: 5,
      checkpoints: { stored: 3, outside: 3, covers: 5 },
      details: { checked: 2, erased: 1 },
    });
    expect((await verify(file, '--vkey', vkey)).stdout).toContain('The ledger is sound.');

    const bare = join(ledger.dataFolder, 'bare.jsonl');
    await exportLedger({ dataSource: ledger.dataSource, origin, file: bare, withoutDetails: true });
    expect(readFileSync(bare, 'utf8')).not.toContain('A. Person');
    expect(await verify(bare, '--vkey', vkey, '--without-details')).toMatchObject({ status: 0 });

    // One character of one entry; a line gone; the checkpoints gone; the tail gone, with and without a copy kept.
    const lines = readFileSync(file, 'utf8').split(/(?<=\n)/);
    const tampered = async (edited: string[], ...more: string[]) => {
      const path = join(ledger.dataFolder, `tampered-${newId()}.jsonl`);
      writeFileSync(path, edited.join(''));
      return verify(path, '--vkey', vkey, ...more);
    };
    const edited = await tampered(lines.with(2, lines[2]!.replace('credential.added', 'credential.eaten')));
    expect(edited).toMatchObject({
      status: 1,
      stdout: expect.stringMatching(
        /^The ledger is NOT sound.*\nFirst: entry [0-9a-f-]{36} at place 1 was edited/,
      ),
    });
    expect(await tampered(lines.toSpliced(2, 1))).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('nothing stands at place 1'),
    });
    expect(await tampered([lines[2]!, ...lines])).toMatchObject({ status: 1 });
    expect(await tampered(lines.slice(0, 6))).toMatchObject({
      status: 1,
      stderr: expect.stringContaining('No checkpoint vouches'),
    });
    const cut = lines.slice(0, 5).concat(lines.slice(6, 8));
    expect(await tampered(cut)).toMatchObject({ status: 0 });
    expect(await tampered(cut, '--checkpoint', copies)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('what stood from place 4 on is not all there'),
    });
    const detail = lines.with(2, lines[2]!.replace('A. Person', 'B. Person'));
    expect(await tampered(detail)).toMatchObject({
      status: 1,
      stdout: expect.stringContaining('is not the text that was committed to'),
    });
  });

  test('says what it needs', async () => {
    expect(await verify()).toMatchObject({ status: 2, stderr: expect.stringContaining('Usage: verify') });
    expect(await verify('--help')).toMatchObject({
      status: 0,
      stdout: expect.stringContaining('Usage: verify'),
    });
    expect(await verify('nowhere.jsonl', '--vkey', ledger.keys.signer().vkey)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('nowhere.jsonl'),
    });
    expect(await verify('x', '--vkey', 'nonsense')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('--vkey'),
    });
    const file = join(ledger.dataFolder, 'bad.jsonl');
    appendFileSync(file, '{"seq":0}\n');
    expect(await verify(file, '--vkey', ledger.keys.signer().vkey)).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('line 1: neither an entry'),
    });
  });
});
