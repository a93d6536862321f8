import { Injectable, Optional } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { DETAIL_ERASED, ENTRY_SUBJECT } from '../../kernel/ledger-entry.ts';
import {
  consistencyPath,
  inclusionPath,
  verifyConsistency,
  verifyInclusion,
  type Hash,
} from '../../kernel/merkle.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { inOne } from '../../platform/database/together.ts';
import { afterCommit, type Db } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { composeEntries, type ComposedEntry, type LedgerInput } from './compose.rules.ts';
import { rootsOfRanges } from './tree.queries.ts';

export type { LedgerInput } from './compose.rules.ts';

/** A signed checkpoint as it stands on record. */
export interface SignedCheckpoint {
  /** Entries that it vouches for. */
  size: number;
  root: Hash;
  /** The signed note (C2SP tlog-checkpoint). */
  note: string;
}

/** Proof that an entry is in the tree that a checkpoint vouches for (RFC 9162 section 2.1.3). */
export interface InclusionProof {
  entryId: Id;
  /** The exact bytes that were hashed. */
  body: string;
  leaf: Hash;
  seq: number;
  path: Hash[];
  checkpoint: SignedCheckpoint;
}

const MOST_AT_ONCE = 5000;

/** A log line's facts: the kind of an entry, what it is about, and under which correlation id. No name, no address. */
interface Line {
  correlationId: string;
  entry: string;
  by: string;
  subject: string;
  id: Id;
  /** How many further entries of that kind were written with it. */
  more?: number;
}

/** One line for each kind of entry, however many were written together. What the engine says of its own steps has lines of its own. */
function linesOf(inputs: readonly LedgerInput[]): Line[] {
  const lines = new Map<string, Line>();
  for (const { kind, subject, by } of inputs) {
    if (by.kind === 'system' && kind.startsWith('step.')) continue;
    const key = `${kind} ${by.correlationId}`;
    const known = lines.get(key);
    if (known) known.more = (known.more ?? 0) + 1;
    else {
      const { correlationId } = by;
      lines.set(key, { correlationId, entry: kind, by: by.kind, subject: subject.kind, id: subject.id });
    }
  }
  return [...lines.values()];
}

/**
 * The record of what was done. It is written in the transaction of the change: if the entry cannot be written, the change
 * does not happen.
 */
@Injectable()
export class LedgerService {
  constructor(@Optional() private readonly log?: Log) {}

  /** Writes one entry or many, in one statement for up to 5,000. */
  async append(db: Db, entries: LedgerInput | readonly LedgerInput[]): Promise<void> {
    const inputs = Array.isArray(entries) ? (entries as readonly LedgerInput[]) : [entries as LedgerInput];
    for (let from = 0; from < inputs.length; from += MOST_AT_ONCE) {
      await insert(db, composeEntries(inputs.slice(from, from + MOST_AT_ONCE)));
    }
    const { log } = this;
    const told = log === undefined ? [] : linesOf(inputs);
    if (told.length > 0) afterCommit(db, () => told.forEach((line) => log!.info(line, 'on record')));
  }

  /**
   * Erases the text that stands beside an entry, and writes that down. What the entry itself says remains, and remains
   * provable. Whether the text may be erased (legal hold, retention) is the caller's decision.
   *
   * @param basis why, as a fixed expression that is no personal data itself: `gdpr-art-17`, `retention`
   */
  async eraseDetail(
    db: Db,
    o: { entryId: Id; field: string; basis: string; by: Principal; at: Millis },
  ): Promise<Result<void, Refusal>> {
    const erased = await db.query<[unknown[], number]>(
      `UPDATE ledger_detail
          SET salt = NULL, text = NULL, erased_at = $3, erased_by = $4, basis = $5
        WHERE entry_id = $1 AND field = $2 AND erased_at IS NULL`,
      [o.entryId, o.field, iso(o.at), o.by.id, o.basis],
    );
    if (erased[1] === 0) {
      return err(
        refusal('not_found', 'no-such-detail', 'The ledger holds no such detail, or it is erased already.'),
      );
    }
    await this.append(db, {
      kind: DETAIL_ERASED,
      subject: { kind: ENTRY_SUBJECT, id: o.entryId },
      by: o.by,
      at: o.at,
      facts: { field: o.field, basis: o.basis },
    });
    return ok(undefined);
  }

  /** The newest checkpoint, or null before the first: goes out with every notice. */
  async latestCheckpoint(db: Db): Promise<SignedCheckpoint | null> {
    const [row] = await db.query<{ size: string; root: Hash; note: string }[]>(
      `SELECT size, encode(root, 'hex') AS root, note FROM ledger_checkpoint ORDER BY size DESC LIMIT 1`,
    );
    return row ? { ...row, size: Number(row.size) } : null;
  }

  /** Proves an entry against the newest checkpoint. */
  async inclusionProof(db: Db, entryId: Id): Promise<Result<InclusionProof, Refusal>> {
    const checkpoint = await this.latestCheckpoint(db);
    const [row] = await db.query<{ body: string; leaf: Hash; seq: string | null }[]>(
      `SELECT e.body, encode(e.leaf_hash, 'hex') AS leaf, l.seq
         FROM ledger_entry e LEFT JOIN ledger_leaf l ON l.n = e.n WHERE e.id = $1`,
      [entryId],
    );
    if (!row) return err(refusal('not_found', 'no-such-entry', 'The ledger holds no such entry.'));
    const seq = row.seq === null ? Infinity : Number(row.seq);
    if (!checkpoint || seq >= checkpoint.size) {
      return err(
        refusal(
          'unavailable',
          'not-yet-vouched-for',
          'No checkpoint covers this entry yet; ask again shortly.',
          {
            retryAfter: 10_000,
          },
        ),
      );
    }
    const path = await rootsOfRanges(db, inclusionPath(seq, checkpoint.size));
    const proof = { entryId, body: row.body, leaf: row.leaf, seq, path, checkpoint };
    if (!verifyInclusion({ leaf: row.leaf, index: seq, ...checkpoint }, path)) {
      throw new Error(`entry ${entryId} at place ${seq} cannot be proven: the ledger needs to be verified`);
    }
    return ok(proof);
  }

  /** Proves that the newest checkpoint only added to an older one (RFC 9162 section 2.1.4). @param olderSize as signed */
  async consistencyProof(
    db: Db,
    olderSize: number,
  ): Promise<Result<{ older: SignedCheckpoint; newer: SignedCheckpoint; path: Hash[] }, Refusal>> {
    const newer = await this.latestCheckpoint(db);
    const [row] = await db.query<{ root: Hash; note: string }[]>(
      `SELECT encode(root, 'hex') AS root, note FROM ledger_checkpoint WHERE size = $1`,
      [olderSize],
    );
    if (!newer || !row || olderSize < 1) {
      return err(refusal('not_found', 'no-such-checkpoint', 'There is no checkpoint of that size.'));
    }
    const older = { ...row, size: olderSize };
    const path = await rootsOfRanges(db, consistencyPath(olderSize, newer.size));
    if (!verifyConsistency(older, newer, path)) {
      throw new Error(
        `the checkpoints of ${olderSize} and ${newer.size} entries differ: the ledger needs to be verified`,
      );
    }
    return ok({ older, newer, path });
  }
}

/** What several pieces of work of one transaction append in the same moment goes in together. */
const insert = inOne(async (db: Db, all: readonly (readonly ComposedEntry[])[]): Promise<void[]> => {
  await insertAll(db, all.flat());
  return all.map(() => undefined);
});

async function insertAll(db: Db, entries: readonly ComposedEntry[]): Promise<void> {
  if (entries.length === 0) return;
  const parameters: unknown[] = [
    entries.map((entry) => entry.id),
    entries.map((entry) => entry.kind),
    entries.map((entry) => entry.subjectKind),
    entries.map((entry) => entry.subjectId),
    entries.map((entry) => iso(entry.at)),
    entries.map((entry) => entry.body),
    entries.map((entry) => entry.leafHash),
  ];
  const details = entries.flatMap(({ id, details }) => details.map((detail) => ({ id, ...detail })));
  if (details.length === 0) {
    await db.query(INSERT_ENTRIES, parameters);
    return;
  }
  await db.query(INSERT_BOTH, [
    ...parameters,
    details.map((detail) => detail.id),
    details.map((detail) => detail.field),
    details.map((detail) => detail.salt.toString('hex')),
    details.map((detail) => detail.text),
  ]);
}

const INSERT_ENTRIES = `
  INSERT INTO ledger_entry (id, kind, subject_kind, subject_id, at, body, leaf_hash)
  SELECT e.id, e.kind, e.subject_kind, e.subject_id, e.at, e.body, decode(e.leaf_hash, 'hex')
    FROM unnest($1::uuid[], $2::text[], $3::text[], $4::uuid[], $5::timestamptz[], $6::text[], $7::text[])
      AS e (id, kind, subject_kind, subject_id, at, body, leaf_hash)`;

/** One journey to the database. The reference from details to entries is checked at the end of the statement. */
const INSERT_BOTH = `
  WITH entries AS (${INSERT_ENTRIES})
  INSERT INTO ledger_detail (entry_id, field, salt, text)
  SELECT d.entry_id, d.field, decode(d.salt, 'hex'), d.text
    FROM unnest($8::uuid[], $9::text[], $10::text[], $11::text[]) AS d (entry_id, field, salt, text)`;
