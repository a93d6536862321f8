import { readdirSync, readFileSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { LedgerService } from '../../src/domain/ledger/ledger.service.ts';
import { LedgerForked } from '../../src/domain/ledger/checkpointer.ts';
import { ledgerVerifyCommand } from '../../src/domain/ledger/verify-ledger.ts';
import { openCheckpoint, parseVkey } from '../../src/kernel/checkpoint.ts';
import { newId } from '../../src/kernel/ids.ts';
import { readEntry } from '../../src/kernel/ledger-entry.ts';
import { leafHash, verifyConsistency, verifyInclusion } from '../../src/kernel/merkle.ts';
import type { Principal } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { Sweeps } from '../../src/platform/queue/sweeps.ts';
import { startApp } from '../support/app.ts';
import { AT, LedgerOnTrial } from '../support/ledger-on-trial.ts';

let ledger: LedgerOnTrial;
beforeEach(async () => void (ledger = await LedgerOnTrial.open()));
afterEach(() => ledger.close());

/** Any open transaction of the whole server holds the mark back, those of other tests too: a later round moves it. */
async function markReaches(n: number): Promise<void> {
  const until = Date.now() + 30_000;
  for (;;) {
    const [head] = await ledger.query<{ low_water: string }>('SELECT low_water FROM ledger_head');
    if (Number(head!.low_water) === n) return;
    if (Date.now() > until) throw new Error(`the mark stands at ${head!.low_water} and not at ${n}`);
    await ledger.sequencer.sequence();
  }
}

const about = (id = newId()) => ({ kind: 'party', id });

describe('writing', () => {
  test('an entry is the canonical text of what was done, and its hash', async () => {
    const subject = about();
    const by: Principal = { ...ledger.by, kind: 'user', id: newId(), personId: newId(), ip: '192.0.2.7' };
    await ledger.run((db) =>
      ledger.service.append(db, {
        kind: 'party.renamed',
        subject,
        by,
        at: AT,
        facts: { to: 2, from: 1 },
        committed: { name: 'Ärger & Söhne' },
      }),
    );
    const [row] = await ledger.query<{ body: string; hash: string; id: string }>(
      `SELECT id, body, encode(leaf_hash, 'hex') AS hash FROM ledger_entry`,
    );
    expect(row!.hash).toBe(leafHash(row!.body));
    expect(readEntry(row!.body)).toMatchObject({
      id: row!.id,
      kind: 'party.renamed',
      subject,
      at: AT,
      by: { kind: 'user', id: by.id, person: by.personId, party: null, correlation: by.correlationId },
      facts: { from: 1, to: 2 },
      committed: { name: expect.stringMatching(/^[0-9a-f]{64}$/), 'by.ip': expect.any(String) },
    });
    expect(row!.body).not.toMatch(/Ärger|192\.0\.2/);
    const details = await ledger.query<{ field: string; text: string }>(
      'SELECT field, text FROM ledger_detail ORDER BY field',
    );
    expect(details).toEqual([
      { field: 'by.ip', text: '192.0.2.7' },
      { field: 'name', text: 'Ärger & Söhne' },
    ]);
  });

  test('no change without its entry, no entry without its change', async () => {
    const prefix = 'INSERT INTO calendar (id, key, name, zone, working_days, created_at)';
    const change = `${prefix} VALUES ('${newId()}', 'k', 'k', 'UTC', '{1}', now())`;
    await expect(
      ledger.run(async (db) => {
        await db.query(change);
        await ledger.service.append(db, { kind: 'Not a kind', subject: about(), by: ledger.by, at: AT });
      }),
    ).rejects.toThrow('of kind Not a kind');
    await expect(
      ledger.run(async (db) => {
        await ledger.service.append(db, { kind: 'calendar.added', subject: about(), by: ledger.by, at: AT });
        throw new Error('the change failed');
      }),
    ).rejects.toThrow('the change failed');
    expect(await ledger.query('SELECT FROM calendar')).toEqual([]);
    expect(await ledger.query('SELECT FROM ledger_entry')).toEqual([]);
  });

  test("a party's act is on record, and the record is not the party's to read", async () => {
    const party: Principal = { ...ledger.by, kind: 'link', id: newId(), partyId: newId(), ip: '192.0.2.7' };
    await ledger.run(async (db) => {
      await ledger.service.append(db, {
        kind: 'notice.acknowledged',
        subject: about(),
        by: party,
        at: AT,
        committed: { name: 'A. Person' },
      });
      expect(await db.query('SELECT FROM ledger_entry')).toEqual([]);
      expect(await db.query('SELECT FROM ledger_detail')).toEqual([]);
    }, party);
    expect(await ledger.query('SELECT FROM ledger_detail')).toHaveLength(2);
    await ledger.settle();
    expect(await ledger.verify()).toMatchObject({ sound: true, entries: 1, details: { checked: 2 } });
  });

  test('texts that Postgres cannot hold are kept as they can be, and verify', async () => {
    const subject = about();
    await ledger.write(1, { subject, committed: { note: 'a\u0000b\ud800c', empty: '' } });
    expect(await ledger.query(`SELECT text FROM ledger_detail WHERE field = 'note'`)).toEqual([
      { text: 'a\ufffdb\ufffdc' },
    ]);
    expect(await ledger.verify()).toMatchObject({ sound: true, unsequenced: 1, details: { checked: 2 } });
  });

  test('many entries are written at once, in their order', async () => {
    const inputs = Array.from({ length: 5003 }, (_, i) => ({
      kind: 'row.imported',
      subject: about(),
      by: ledger.by,
      at: AT,
      facts: { line: i },
    }));
    await ledger.run((db) => ledger.service.append(db, inputs));
    await ledger.settle();
    const rows = await ledger.query<{ body: string }>(
      'SELECT e.body FROM ledger_leaf l JOIN ledger_entry e USING (n) ORDER BY l.seq',
    );
    expect(rows.map(({ body }) => (JSON.parse(body) as { facts: { line: number } }).facts.line)).toEqual(
      inputs.map((_, i) => i),
    );
  });

  test('what is written is neither changed nor removed', async () => {
    await ledger.write(1, { committed: { name: 'x' } });
    await ledger.settle();
    const columns = {
      ledger_entry: 'body',
      ledger_leaf: 'n',
      ledger_node: 'height',
      ledger_checkpoint: 'size',
      ledger_detail: 'field',
    };
    for (const [table, column] of Object.entries(columns)) {
      await expect(ledger.query(`UPDATE ${table} SET ${column} = ${column}`)).rejects.toThrow(
        'permission denied',
      );
      await expect(ledger.query(`DELETE FROM ${table}`)).rejects.toThrow('permission denied');
      await expect(ledger.query(`TRUNCATE ${table} CASCADE`)).rejects.toThrow('permission denied');
      await expect(ledger.asOwner(`TRUNCATE ${table} CASCADE`)).rejects.toThrow('append-only');
    }
    await expect(ledger.query(`UPDATE ledger_detail SET text = 'y'`)).rejects.toThrow('not changed');
    await expect(ledger.query(`DELETE FROM ledger_head`)).rejects.toThrow('permission denied');
  });
});

describe('sequencing', () => {
  test('who writes waits for nobody: an open transaction is passed by, and comes after', async () => {
    const late = about();
    let finish!: () => void;
    const finished = new Promise<void>((resolve) => (finish = resolve));
    let written!: () => void;
    const open = new Promise<void>((resolve) => (written = resolve));
    const slow = ledger.run(async (db) => {
      await ledger.service.append(db, { kind: 'party.added', subject: late, by: ledger.by, at: AT });
      written();
      await finished;
    });
    await open;
    await ledger.write(3);
    expect(await ledger.sequencer.sequence()).toBe(3);
    expect(await ledger.sequencer.sequence()).toBe(0);
    // The open one has the lowest number, so the mark may not pass it.
    expect(await ledger.query('SELECT low_water FROM ledger_head')).toEqual([{ low_water: '0' }]);
    finish();
    await slow;
    expect(await ledger.sequencer.sequence()).toBe(1);
    const [place] = await ledger.query<{ seq: string }>(
      'SELECT l.seq FROM ledger_leaf l JOIN ledger_entry e USING (n) WHERE e.subject_id = $1',
      [late.id],
    );
    expect(place).toEqual({ seq: '3' });
    await markReaches(4);
    expect(await ledger.verify()).toMatchObject({ sound: true, entries: 4, unsequenced: 0 });
  });

  test('many writers, some of whom give up, and several sequencers: one place each, no gap', async () => {
    let kept = 0;
    const writer = async (seed: number) => {
      for (let i = 0; i < 25; i++) {
        const inputs = Array.from({ length: 1 + ((seed + i) % 4) }, () => ({
          kind: 'row.imported',
          subject: about(),
          by: ledger.by,
          at: AT,
        }));
        await ledger
          .run(async (db) => {
            await ledger.service.append(db, inputs);
            if ((seed + i) % 5 === 0) throw new Error('given up');
            kept += inputs.length;
          })
          .catch((thrown: Error) => expect(thrown.message).toBe('given up'));
      }
    };
    let writing = true;
    const sequencer = async () => {
      while (writing) await ledger.sequencer.sequence();
    };
    const sequencers = [sequencer(), sequencer()];
    await Promise.all([1, 2, 3, 4, 5, 6].map(writer));
    writing = false;
    await Promise.all(sequencers);
    await ledger.settle();
    expect(await ledger.verify()).toMatchObject({
      sound: true,
      entries: kept,
      unsequenced: 0,
      checkpoints: { covers: kept },
    });
    // Everybody is done, so the mark comes to stand at the last number.
    const [last] = await ledger.query<{ n: string }>('SELECT max(n) AS n FROM ledger_entry');
    await markReaches(Number(last!.n));
  });

  test('a sequencer that starts afresh goes on from the head', async () => {
    await ledger.write(3);
    await ledger.settle();
    const { Sequencer } = await import('../../src/domain/ledger/sequencer.ts');
    await ledger.write(2);
    expect(await new Sequencer(ledger.transactions).sequence()).toBe(2);
    expect(await ledger.verify()).toMatchObject({ sound: true, entries: 5 });
  });
});

describe('checkpoints', () => {
  test('are signed when the tree grew, and copied outside the database', async () => {
    expect(await ledger.checkpointer.checkpoint()).toBeNull();
    await ledger.write(2);
    await ledger.sequencer.sequence();
    expect(await ledger.checkpointer.checkpoint()).toBe(2);
    expect(await ledger.checkpointer.checkpoint()).toBeNull();
    await ledger.write(1);
    await ledger.sequencer.sequence();
    expect(await ledger.checkpointer.checkpoint()).toBe(3);

    const latest = await ledger.run((db) => ledger.service.latestCheckpoint(db));
    const verifier = expectOk(parseVkey(ledger.keys.signer().vkey));
    expect(openCheckpoint(latest!.note, [verifier])).toEqual({
      ok: true,
      value: { origin: ledger.keys.signer().origin, size: 3, root: latest!.root },
    });
    const copies: string[] = [];
    for await (const note of await ledger.folder.notes()) copies.push(note);
    expect(copies).toHaveLength(2);
    expect(copies[1]).toBe(latest!.note);
    expect(readFileSync(join(ledger.folder.path, 'ledger.vkey'), 'utf8')).toBe(
      `${ledger.keys.signer().vkey}\n`,
    );
  });

  test('a copy that a crash tore or lost is made again', async () => {
    for (let i = 0; i < 3; i++) {
      await ledger.write(1);
      await ledger.settle();
    }
    const [file] = readdirSync(ledger.folder.path).filter((name) => name.startsWith('checkpoints-'));
    const path = join(ledger.folder.path, file!);
    const whole = readFileSync(path, 'utf8');
    const lastNote = whole.lastIndexOf('\n\n', whole.lastIndexOf('\n\n') - 1);
    truncateSync(path, Buffer.byteLength(whole.slice(0, lastNote)) + 30);
    expect(await ledger.verify()).toMatchObject({ sound: true });
    expect(await ledger.checkpointer.checkpoint()).toBeNull();
    expect(readFileSync(path, 'utf8')).toBe(whole);
    expect(await ledger.verify()).toMatchObject({
      sound: true,
      checkpoints: { stored: 3, outside: 3, covers: 3 },
    });
  });

  test('a ledger that was set back is not signed', async () => {
    await ledger.write(2);
    await ledger.settle();
    await ledger.asOwner(
      'DELETE FROM ledger_checkpoint',
      'DELETE FROM ledger_leaf',
      `UPDATE ledger_head SET size = 0, subtrees = '', low_water = 0`,
      'DELETE FROM ledger_entry WHERE n = (SELECT max(n) FROM ledger_entry)',
    );
    await ledger.sequencer.sequence();
    await expect(ledger.checkpointer.checkpoint()).rejects.toThrow(LedgerForked);
    await expect(ledger.checkpointer.checkpoint()).rejects.toThrow(
      'holds 1 entries and the outside checkpoint vouches for 2',
    );
    expect(await ledger.query('SELECT FROM ledger_checkpoint')).toEqual([]);
  });

  test('a rewritten ledger is not signed, however long it has grown', async () => {
    await ledger.write(2);
    await ledger.settle();
    await ledger.asOwner(
      'DELETE FROM ledger_checkpoint',
      'DELETE FROM ledger_leaf',
      `UPDATE ledger_head SET size = 0, subtrees = '', low_water = 0`,
      'DELETE FROM ledger_entry WHERE n = 1',
    );
    await ledger.write(5);
    await ledger.sequencer.sequence();
    await expect(ledger.checkpointer.checkpoint()).rejects.toThrow('that the outside checkpoint vouches for');
  });
});

describe('in the application', () => {
  test('sweeps place and sign; what a stopping process did is vouched for', async () => {
    const { app, log } = await startApp({
      database: ledger.database,
      config: { dataFolder: ledger.dataFolder, role: 'all' },
    });
    const write = () =>
      app
        .get(Transactions)
        .run(ledger.by, (db) =>
          app.get(LedgerService).append(db, { kind: 'party.added', subject: about(), by: ledger.by, at: AT }),
        );
    const covers = async () => (await ledger.verify()).checkpoints.covers;
    // A round that the clockwork began may have looked before the write: the next one looks after it.
    const sweep = async (name: string) => {
      await app.get(Sweeps).run(name);
      await app.get(Sweeps).run(name);
    };
    try {
      await write();
      await sweep('ledger.sequence');
      await sweep('ledger.checkpoint');
      expect(await covers()).toBe(1);
      await write();
    } finally {
      await app.close();
    }
    expect(await covers()).toBe(2);
    expect(await ledger.verify()).toMatchObject({ sound: true, entries: 2, unsequenced: 0 });
    expect(log.text).not.toContain('LedgerForked');
  });
});

describe('proofs', () => {
  test('any entry of a tree with stored subtrees is proven, and any older checkpoint is a prefix', async () => {
    const inputs = Array.from({ length: 300 }, () => ({
      kind: 'row.imported',
      subject: about(),
      by: ledger.by,
      at: AT,
    }));
    await ledger.run((db) => ledger.service.append(db, inputs));
    await ledger.settle();
    const [id] = await ledger.write(1);
    const waiting = await ledger.run((db) => ledger.service.inclusionProof(db, id!));
    expect(waiting).toMatchObject({ ok: false, error: { code: 'not-yet-vouched-for' } });
    await ledger.run((db) =>
      ledger.service.append(
        db,
        inputs.map((input) => ({ ...input, subject: about() })),
      ),
    );
    await ledger.settle();
    expect(await ledger.query('SELECT height, position FROM ledger_node ORDER BY position')).toEqual([
      { height: 8, position: '0' },
      { height: 8, position: '1' },
    ]);
    const entries = await ledger.query<{ id: string; seq: string }>(
      `SELECT e.id, l.seq FROM ledger_entry e JOIN ledger_leaf l USING (n) WHERE l.seq IN (0, 1, 254, 255, 256, 299, 300, 511, 512, 600)`,
    );
    expect(entries).toHaveLength(10);
    for (const { id: entryId, seq } of entries) {
      const proof = expectOk(await ledger.run((db) => ledger.service.inclusionProof(db, entryId)));
      expect(proof.seq).toBe(Number(seq));
      const { size, root } = proof.checkpoint;
      expect(verifyInclusion({ leaf: leafHash(proof.body), index: proof.seq, size, root }, proof.path)).toBe(
        true,
      );
    }
    const { older, newer, path } = expectOk(
      await ledger.run((db) => ledger.service.consistencyProof(db, 300)),
    );
    expect([older.size, newer.size]).toEqual([300, 601]);
    expect(verifyConsistency(older, newer, path)).toBe(true);
    expect(await ledger.run((db) => ledger.service.consistencyProof(db, 7))).toMatchObject({ ok: false });
    expect(await ledger.run((db) => ledger.service.inclusionProof(db, newId()))).toMatchObject({
      ok: false,
      error: { kind: 'not_found' },
    });
  });
});

describe('erasing', () => {
  test('takes the text, leaves the proof, and says so', async () => {
    const [id] = await ledger.write(1, { committed: { name: 'A. Person', note: 'stays' } });
    await ledger.settle();
    const erase = () =>
      ledger.run((db) =>
        ledger.service.eraseDetail(db, {
          entryId: id!,
          field: 'name',
          basis: 'gdpr-art-17',
          by: ledger.by,
          at: AT + 5,
        }),
      );
    expect(await erase()).toEqual({ ok: true, value: undefined });
    expect(await erase()).toMatchObject({ ok: false, error: { code: 'no-such-detail' } });
    await ledger.settle();
    expect(
      await ledger.query(`SELECT field, text, salt IS NULL AS salted FROM ledger_detail ORDER BY field`),
    ).toEqual([
      { field: 'name', text: null, salted: true },
      { field: 'note', text: 'stays', salted: false },
    ]);
    const lines: string[] = [];
    const settings = {
      dataSource: ledger.dataSource,
      dataFolder: ledger.dataFolder,
      vkeys: [ledger.keys.signer().vkey],
    };
    expect(
      await ledgerVerifyCommand({ ...settings, json: false, write: (text) => void lines.push(text) }),
    ).toBe(0);
    expect(lines.join('')).toContain(
      `erased: "name" of entry ${id}, by test, 2026-11-22T01:00:00.005Z, gdpr-art-17`,
    );
    expect(await ledger.verify()).toMatchObject({
      sound: true,
      entries: 2,
      details: { checked: 1, erased: 1 },
    });
  });

  test('an erased detail stays erased', async () => {
    const [id] = await ledger.write(1, { committed: { name: 'A. Person' } });
    await ledger.run((db) =>
      ledger.service.eraseDetail(db, {
        entryId: id!,
        field: 'name',
        basis: 'retention',
        by: ledger.by,
        at: AT,
      }),
    );
    await expect(
      ledger.query(
        `UPDATE ledger_detail SET text = 'x', salt = '\\x00', erased_at = NULL, erased_by = NULL, basis = NULL`,
      ),
    ).rejects.toThrow('erased once');
  });
});
