import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { digestsOf, digestsOfSha256 } from '../credentials/fingerprint.rules.ts';
import { holds } from '../credentials/holdings.queries.ts';
import { HoldingsService } from '../credentials/holdings.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { CopiesService } from './copies.service.ts';
import type { ScanReport, SeenFingerprint } from './look.schema.ts';
import { copyShown } from './revocation.events.ts';
import { judgeScan, readScan, type LookVerdict, type ReadScan } from './scan.rules.ts';

const AHEAD = 5 * MINUTE;

interface Place {
  id: Id;
  credential_id: Id;
  integration_id: Id;
  party_id: Id;
  path: string;
  provable: string;
}

interface LookRecord {
  versionId: Id;
  method: 'scan' | 'fingerprint' | 'store_api';
  verdict: LookVerdict;
  why: string;
  tool?: string;
  documentHash?: Buffer;
  lookedAt: Millis;
}

/**
 * Looks at places of copies, by machine: a scan of them, the fingerprint of what they use, what their store answers. Each
 * is on record with what it told, also where it told nothing; only "gone" and "present" change what is known of a copy.
 */
@Injectable()
export class LooksService {
  constructor(
    private readonly transactions: Transactions,
    private readonly copies: CopiesService,
    private readonly holdings: HoldingsService,
    private readonly keys: Keys,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
  ) {}

  /** The report of a scanner about one place. Its values are compared and dropped. */
  async scanned(
    by: Principal,
    locationId: Id,
    input: ScanReport,
  ): Promise<Result<{ verdict: LookVerdict; why: string; elsewhere: number }, Refusal>> {
    const read = readScan(input.format, input.report);
    if (!read) {
      return err(
        refusal('invalid', 'bad-report', 'The report is not in the form that it is said to have.', {
          fields: [
            {
              field: '/report',
              problem: `is no ${input.format === 'sarif' ? 'SARIF 2.1.0' : 'JSON report of gitleaks'}`,
              mend: 'Upload the file as the scanner wrote it.',
            },
          ],
        }),
      );
    }
    const documentHash = createHash('sha256').update(JSON.stringify(input.report), 'utf8').digest();
    return this.#atPlace(by, locationId, async (db, place) => {
      if (!(await heldAt(db, locationId, input.versionId))) throw new Refused(noSuchCopy());
      const { known, findings } = await this.#recognised(db, read, input.versionId);
      const scannedAt = Date.parse(input.scannedAt);
      const judged = judgeScan({
        path: place.path,
        covered: [...input.covers, ...read.covered],
        succeeded: read.succeeded,
        findings,
        known,
        seenBefore: await seenByTool(db, input.versionId, read.tool),
        scannedAt,
        putAt: await putAt(db, locationId, input.versionId),
        now: this.clock.now(),
      });
      const all = findings.filter(({ is }) => is === 'this').length;
      await this.#record(
        db,
        place,
        {
          versionId: input.versionId,
          method: 'scan',
          ...judged,
          tool: read.tool,
          documentHash,
          lookedAt: scannedAt,
        },
        by,
      );
      return { ...judged, elsewhere: judged.verdict === 'present' ? Math.max(0, all - 1) : all };
    });
  }

  /**
   * A holder says by its SHA-256 which value the place uses now. What it is said to hold follows; and where this is how the
   * place is proven, every other version that it held is shown to be gone.
   */
  async fingerprintSeen(
    by: Principal,
    locationId: Id,
    input: SeenFingerprint,
  ): Promise<Result<{ version: number | null; gone: number[]; why: string }, Refusal>> {
    const now = this.clock.now();
    const seenAt = input.seenAt === undefined ? now : Date.parse(input.seenAt);
    if (seenAt > now + AHEAD)
      return err(refusal('invalid', 'not-yet', 'The value cannot have been seen in the future.'));
    return this.#atPlace(by, locationId, async (db, place) => {
      const digests = digestsOfSha256(input.sha256, this.keys.peppers()).map(({ digest }) => digest);
      const [match] = await rowsOf<{ id: Id; number: number }>(
        db,
        `SELECT v.id, v.number FROM fingerprint f JOIN credential_version v ON v.id = f.version_id
          WHERE f.credential_id = $1 AND f.digest = ANY($2::bytea[]) ORDER BY v.number DESC LIMIT 1`,
        [place.credential_id, digests],
      );
      const at = iso(seenAt);
      if (!match) {
        const why = `the place used a value at ${at} that is no known version of this credential`;
        for (const one of await heldVersions(db, locationId)) {
          const look = { versionId: one.id, verdict: 'indeterminate' as const, why };
          await this.#record(db, place, { ...look, method: 'fingerprint', lookedAt: seenAt }, by);
        }
        return { version: null, gone: [], why };
      }
      if (await seenSince(db, locationId, seenAt)) {
        const why = `the place used version ${match.number} at ${at}, by its fingerprint; it was looked at again since`;
        const look = { versionId: match.id, verdict: 'indeterminate' as const, why };
        await this.#record(db, place, { ...look, method: 'fingerprint', lookedAt: seenAt }, by);
        return { version: match.number, gone: [], why };
      }
      const held = await this.holdings.record(
        db,
        locationId,
        { versionId: match.id, shownBy: 'fingerprint' },
        by,
      );
      if (!held.ok) throw new Refused(held.error);
      const why = `the place used version ${match.number} at ${at}, by its fingerprint`;
      const look = { method: 'fingerprint' as const, lookedAt: seenAt };
      await this.#record(db, place, { ...look, versionId: match.id, verdict: 'present', why }, by);
      const others = (await heldVersions(db, locationId)).filter(({ id }) => id !== match.id);
      const shown = place.provable === 'fingerprint';
      for (const other of others) {
        await this.#record(
          db,
          place,
          shown
            ? { ...look, versionId: other.id, verdict: 'gone', why }
            : {
                ...look,
                versionId: other.id,
                verdict: 'indeterminate',
                why: `${why}; that the other value is gone is not shown by that at this place`,
              },
          by,
        );
      }
      return { version: match.number, gone: shown ? others.map(({ number }) => number) : [], why };
    });
  }

  /** What the store of a copy answered when it was asked: for whatever speaks with stores. */
  async storeAnswered(
    by: Principal,
    locationId: Id,
    answer: { versionId: Id; verdict: LookVerdict; why: string; lookedAt: Millis },
  ): Promise<Result<void, Refusal>> {
    return this.#atPlace(by, locationId, async (db, place) => {
      if (!(await heldAt(db, locationId, answer.versionId))) throw new Refused(noSuchCopy());
      await this.#record(db, place, { ...answer, method: 'store_api' }, by);
    });
  }

  /** Who reports must see the place, and own it or be the operator; what follows touches rows of the installation alone. */
  async #atPlace<T>(
    by: Principal,
    locationId: Id,
    work: (db: Db, place: Place) => Promise<T>,
  ): Promise<Result<T, Refusal>> {
    const visible = await this.transactions.run(by, (db) => placeOf(db, locationId));
    if (!visible) return err(refusal('not_found', 'no-location', 'There is no such location.'));
    if (by.partyId !== null && by.partyId !== visible.party_id)
      return err(
        refusal('forbidden', 'not-yours', 'Only who owns the place can say what a look at it showed.'),
      );
    const inside = system('revocation', by.correlationId);
    try {
      return ok(
        await this.transactions.run(inside, async (db) => {
          await db.query(`SELECT FROM location WHERE id = $1 FOR NO KEY UPDATE`, [locationId]);
          return work(db, visible);
        }),
      );
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }

  async #recognised(db: Db, read: ReadScan, versionId: Id) {
    const rows = await rowsOf<{ digest: Buffer }>(
      db,
      `SELECT digest FROM fingerprint WHERE version_id = $1`,
      [versionId],
    );
    const known = new Set(rows.map(({ digest }) => digest.toString('hex')));
    const peppers = this.keys.peppers();
    const findings = read.findings.map(({ path, secret }) => {
      if (secret === null) return { path, is: 'masked' as const };
      const value = Secret.of(secret);
      const same = digestsOf(value, peppers).some(({ digest }) => known.has(digest.toString('hex')));
      value.wipe();
      return { path, is: same ? ('this' as const) : ('other' as const) };
    });
    return { known: known.size > 0, findings };
  }

  async #record(db: Db, place: Place, look: LookRecord, by: Principal): Promise<void> {
    const at = this.clock.now();
    const id = newId();
    await db.query(
      `INSERT INTO copy_look (id, location_id, integration_id, version_id, method, verdict, why, tool, document_hash, looked_at, recorded_by, recorded_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)`,
      [
        id,
        place.id,
        place.integration_id,
        look.versionId,
        look.method,
        look.verdict,
        look.why.slice(0, 2000),
        look.tool ?? '',
        look.documentHash ?? null,
        new Date(look.lookedAt),
        `${by.kind}:${by.id}`,
        new Date(at),
      ],
    );
    await this.ledger.append(db, {
      kind: 'location.looked-at',
      subject: { kind: 'location', id: place.id },
      by,
      at,
      facts: {
        lookId: id,
        versionId: look.versionId,
        credentialId: place.credential_id,
        integrationId: place.integration_id,
        method: look.method,
        verdict: look.verdict,
        lookedAt: iso(look.lookedAt),
        ...(look.tool ? { tool: look.tool } : {}),
        ...(look.documentHash ? { documentHash: look.documentHash.toString('hex') } : {}),
      },
    });
    if (look.verdict === 'indeterminate') return;
    const proven = await this.copies.prove(db, by, {
      locationId: place.id,
      versionId: look.versionId,
      verdict: look.verdict,
      method: look.method,
      why: look.why,
    });
    if (!proven.ok) throw new Refused(proven.error);
    await this.outbox.put(db, copyShown, {
      subjectId: place.id,
      versionId: look.versionId,
      verdict: look.verdict,
    });
  }
}

function noSuchCopy(): Refusal {
  return refusal('not_found', 'no-location', 'There is no such location of this version.');
}

async function placeOf(db: Db, locationId: Id): Promise<Place | undefined> {
  const [row] = await rowsOf<Place>(
    db,
    `SELECT id, credential_id, integration_id, party_id, path, provable FROM location WHERE id = $1 AND retired_at IS NULL`,
    [locationId],
  );
  return row;
}

async function heldAt(db: Db, locationId: Id, versionId: Id): Promise<boolean> {
  const rows = await rowsOf<object>(
    db,
    `SELECT FROM location l JOIN credential_version v ON v.credential_id = l.credential_id AND v.id = $2
      WHERE l.id = $1 AND ${holds('l', 'v.id')}`,
    [locationId, versionId],
  );
  return rows.length > 0;
}

/** Whether a later look than this one told what the place uses: what comes late tells nothing of now. */
async function seenSince(db: Db, locationId: Id, at: Millis): Promise<boolean> {
  const rows = await rowsOf<object>(
    db,
    `SELECT FROM copy_look WHERE location_id = $1 AND method = 'fingerprint' AND looked_at > $2 LIMIT 1`,
    [locationId, new Date(at)],
  );
  return rows.length > 0;
}

/** What the place holds or has held, by its records. */
function heldVersions(db: Db, locationId: Id): Promise<{ id: Id; number: number }[]> {
  return rowsOf(
    db,
    `SELECT v.id, v.number FROM credential_version v
      WHERE v.id IN (SELECT h.version_id FROM location_holding h WHERE h.location_id = $1) ORDER BY v.number`,
    [locationId],
  );
}

async function seenByTool(db: Db, versionId: Id, tool: string): Promise<boolean> {
  const rows = await rowsOf<object>(
    db,
    `SELECT FROM copy_look WHERE version_id = $1 AND method = 'scan' AND verdict = 'present' AND tool = $2 LIMIT 1`,
    [versionId, tool],
  );
  return rows.length > 0;
}

async function putAt(db: Db, locationId: Id, versionId: Id): Promise<Millis | null> {
  const [row] = await rowsOf<{ at: Date | null }>(
    db,
    `SELECT max(coalesce(put_at, recorded_at)) AS at FROM location_holding
      WHERE location_id = $1 AND version_id = $2 AND shown_by = 'record'`,
    [locationId, versionId],
  );
  return row?.at?.getTime() ?? null;
}
