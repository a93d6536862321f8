import type { Principal } from '../../kernel/principal.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Secret } from '../../kernel/secret.ts';
import { EARLIEST, HOUR, iso, type Millis } from '../../kernel/time.ts';
import { nextReferences } from '../../platform/database/references.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { inOne } from '../../platform/database/together.ts';
import type { Db } from '../../platform/database/transactions.ts';
import {
  digestsOf,
  digestsOfSha256,
  type KeyedDigest,
  type Pepper,
} from '../credentials/fingerprint.rules.ts';
import { scrubbed } from './delivery.rules.ts';
import type { Reporter } from './exposure.rules.ts';
import type { FoundAt, Report } from './source.ts';

/** A report, fingerprinted and scrubbed; its value is in the hand of the caller and nowhere else. */
export interface PreparedReport {
  report: Report;
  digests: ({ form: string } & KeyedDigest)[];
  value: Secret | null;
}

/** Everything that costs time before the transaction. */
export function prepare(reports: readonly Report[], peppers: readonly Pepper[]): PreparedReport[] {
  return reports.map((report) => ({
    report: scrubbed(report),
    digests: report.value
      ? digestsOf(report.value, peppers)
      : report.sha256
        ? digestsOfSha256(report.sha256, peppers)
        : [],
    value: report.value,
  }));
}

export interface RecordRequest {
  batchId: Id;
  deliveryId: Id | null;
  reporter: Reporter;
  reports: readonly PreparedReport[];
  /** Whether the source can be asked for what a report left out. */
  fetchable: boolean;
  by: Principal;
  now: Millis;
}

export interface RecordedReport {
  exposureId: Id;
  reference: string;
  externalRef: string;
  /** Where the exposure stands now. */
  state: string;
  isNew: boolean;
  /** Of the incident that the exposure is already in. */
  incidentState: string | null;
  prepared: PreparedReport;
}

interface Row {
  n: number;
  id: Id;
  external_ref: string;
  place: string | null;
  supplier_id: string | null;
  kind: string | null;
  says: string | null;
  public: boolean;
  occurred_at: string | null;
  detected_at: string | null;
  resolution: string | null;
  as_of: string | null;
  clue: boolean;
  /** Its value comes with this batch. */
  valued: boolean;
}

const COLUMNS = `n int, id uuid, external_ref text, place text, supplier_id text, kind text, says text, public boolean,
  occurred_at timestamptz, detected_at timestamptz, resolution text, as_of timestamptz, clue boolean, valued boolean`;

/**
 * A time that a report states. What it dates after its own arrival it knew when it arrived, at the latest; what lies
 * before there was anything to leak says nothing.
 */
function statedAt(at: Millis | undefined, now: Millis): string | null {
  return at === undefined || at < EARLIEST ? null : iso(Math.min(at, now));
}

/**
 * Writes reports down as exposures: a new one per leak and source, or an update of the known one. The batch's row must
 * exist. Set-based, so that a delivery of thousands costs a handful of statements.
 */
export async function recordReports(db: Db, request: RecordRequest): Promise<RecordedReport[]> {
  const { reports, now } = request;
  if (reports.length === 0) return [];
  const known =
    request.reporter.sourceId !== null &&
    (await lockKnown(db, {
      sourceId: request.reporter.sourceId,
      refs: reports.map(({ report }) => report.externalRef),
    }));
  // Most leaks are new: what updates known ones is not asked then.
  const refs = known ? await distinctRefs(db, request) : reports.map(({ report }) => report.externalRef);
  const rows: Row[] = reports.map(({ report, digests, value }, n) => ({
    n,
    id: newId(),
    external_ref: refs[n]!,
    place: report.place ?? null,
    supplier_id: report.supplierId ?? null,
    kind: report.kind ?? null,
    says: report.sourceSays ?? null,
    public: report.publiclyLeaked ?? false,
    occurred_at: statedAt(report.occurredAt, now),
    detected_at: statedAt(report.detectedAt, now),
    resolution: report.resolved ?? null,
    // Only puts a source's updates in their order; its clock may be ahead of ours, but not by so much that it has the last word.
    as_of: statedAt(report.asOf, now + HOUR),
    clue: digests.length > 0 || report.supplierId !== undefined,
    valued: value !== null,
  }));
  const recorded = new Map<number, Omit<RecordedReport, 'prepared'>>();
  const note = (found: Noted[], isNew: boolean) => {
    for (const row of found) {
      recorded.set(row.n, {
        exposureId: row.id,
        reference: row.reference,
        externalRef: row.external_ref,
        state: row.state,
        incidentState: row.incident_state,
        isNew,
      });
    }
  };
  // A witness that reports the same leak in the same instant may insert between the two: then the update finds it.
  for (let round = 0; recorded.size < rows.length; round++) {
    if (round === 3) throw new Error('exposures were neither inserted nor found');
    const open = rows.filter((row) => !recorded.has(row.n));
    const mayBeKnown = request.reporter.sourceId !== null && (known || round > 0);
    if (mayBeKnown) note(await update(db, request, open), false);
    const fresh = open.filter((row) => !recorded.has(row.n));
    if (fresh.length > 0) note(await insert(db, { request, rows: fresh }), true);
  }
  const result = rows.map((row) => ({ ...recorded.get(row.n)!, prepared: reports[row.n]! }));
  await insertDigests(db, result);
  await insertPlaces(db, result, now);
  return result;
}

/**
 * A name that a sender uses again for another value is another leak: it gets a name of its own, the same each time, so
 * that neither leak hides behind the other.
 */
async function distinctRefs(db: Db, request: RecordRequest): Promise<string[]> {
  const refs = request.reports.map(({ report }) => report.externalRef);
  if (request.reporter.sourceId === null) return refs;
  const known = await rowsOf<{ n: number }>(
    db,
    // Fenced, so that each report costs two look-ups whatever the planner thinks of tables that a delivery just filled.
    `SELECT r.n FROM unnest($2::int[], $3::text[], $4::text[], $5::bytea[]) AS r(n, external_ref, key_id, digest)
      CROSS JOIN LATERAL (SELECT e.id FROM exposure e WHERE e.source_id = $1 AND e.external_ref = r.external_ref OFFSET 0) e
      CROSS JOIN LATERAL (
            SELECT bool_or(d.form IN ('raw', 'sha256')) AS fingerprinted, bool_or(d.digest = r.digest) AS same
              FROM exposure_digest d WHERE d.exposure_id = e.id AND d.key_id = r.key_id OFFSET 0) d
      WHERE d.fingerprinted AND NOT d.same`,
    [
      request.reporter.sourceId,
      ...columnsOf(
        request.reports.flatMap(({ report, digests }, n) =>
          digests[0] ? [[n, report.externalRef, digests[0].keyId, digests[0].digest]] : [],
        ),
        4,
      ),
    ],
  );
  for (const { n } of known) {
    refs[n] =
      `${refs[n]!.slice(0, 280)} (${request.reports[n]!.digests[0]!.digest.toString('hex').slice(0, 12)})`;
  }
  return refs;
}

interface Noted {
  n: number;
  id: Id;
  reference: string;
  external_ref: string;
  state: string;
  incident_state: string | null;
}

async function update(db: Db, request: RecordRequest, rows: readonly Row[]): Promise<Noted[]> {
  // A statement of its own: the next one then sees what whoever held them made of them. In one statement it would judge
  // by the state that stood before the wait, and take an exposure back that was accepted in the meantime.
  await db.query(
    `SELECT FROM exposure WHERE source_id = $1 AND external_ref = ANY($2::text[]) ORDER BY id FOR UPDATE`,
    [request.reporter.sourceId, rows.map((row) => row.external_ref)],
  );
  return rowsOf<Noted>(
    db,
    // What is older than what we know changes nothing but the places; what has no time is taken as it comes.
    `WITH r AS (SELECT * FROM jsonb_to_recordset($1::jsonb) AS r(${COLUMNS})),
          known AS (
            SELECT e.id AS known_id, r.*, (r.as_of IS NULL OR e.source_as_of IS NULL OR r.as_of >= e.source_as_of) AS newer,
                   EXISTS (SELECT FROM exposure_digest d WHERE d.exposure_id = e.id) AS fingerprinted
              FROM exposure e JOIN r ON e.external_ref = r.external_ref WHERE e.source_id = $2 ORDER BY e.id FOR UPDATE OF e),
          next AS (
            SELECT k.*, CASE
                     WHEN e.state = 'dismissed' AND k.newer AND e.resolution IS NOT NULL AND k.resolution IS NULL THEN 'received'
                     WHEN e.state IN ('accepted', 'matched', 'dismissed') THEN e.state
                     WHEN k.clue THEN 'received'
                     WHEN NOT k.fingerprinted AND $3::boolean THEN 'fetching'
                     ELSE e.state END AS next_state
              FROM known k JOIN exposure e ON e.id = k.known_id)
     UPDATE exposure e
        SET state = x.next_state,
            triage_reason = CASE WHEN x.next_state = 'triage' THEN e.triage_reason END,
            -- One that waits to be matched stays with the batch that holds its value, unless this one brings it, too.
            batch_id = CASE WHEN x.next_state = 'fetching' OR (x.next_state = 'received' AND (e.state <> 'received' OR x.valued))
                            THEN $4::uuid ELSE e.batch_id END,
            place = coalesce(e.place, x.place), supplier_id = coalesce(e.supplier_id, x.supplier_id), kind = coalesce(e.kind, x.kind),
            source_says = CASE WHEN x.newer THEN coalesce(x.says, e.source_says) ELSE e.source_says END,
            publicly_leaked = e.publicly_leaked OR x.public,
            occurred_at = least(e.occurred_at, x.occurred_at),
            detected_at = least(e.detected_at, x.detected_at),
            resolution = CASE WHEN x.newer THEN x.resolution ELSE e.resolution END,
            resolved_at = CASE WHEN NOT x.newer THEN e.resolved_at WHEN x.resolution IS NULL THEN NULL
                               ELSE coalesce(e.resolved_at, x.as_of, $5::timestamptz) END,
            source_as_of = greatest(e.source_as_of, x.as_of),
            updated_at = $5::timestamptz, row_version = e.row_version + 1
       FROM next x WHERE e.id = x.known_id
     RETURNING x.n, e.id, e.reference, e.external_ref, e.state, (SELECT i.state FROM incident i WHERE i.id = e.incident_id) AS incident_state`,
    [
      JSON.stringify(rows),
      request.reporter.sourceId,
      request.fetchable,
      request.batchId,
      new Date(request.now),
    ],
  );
}

/** Whether the source told of one of these leaks before. Those rows are locked, in the order of their ids. */
const lockKnown = inOne(
  async (db: Db, all: readonly { sourceId: Id; refs: readonly string[] }[]): Promise<boolean[]> => {
    const asked = all.flatMap(({ sourceId, refs }, n) => refs.map((ref) => [n, sourceId, ref]));
    const rows = await rowsOf<{ source_id: Id; external_ref: string }>(
      db,
      // Fenced, so that each report costs two look-ups whatever the planner thinks of the table.
      `SELECT e.source_id, e.external_ref FROM exposure e
        WHERE e.id = ANY(ARRAY(
              SELECT x.id FROM unnest($1::uuid[], $2::text[]) AS r(source_id, external_ref)
               CROSS JOIN LATERAL (SELECT k.id FROM exposure k WHERE k.source_id = r.source_id AND k.external_ref = r.external_ref OFFSET 0) x))
        ORDER BY e.id FOR UPDATE`,
      columnsOf(
        asked.map(([, sourceId, ref]) => [sourceId, ref]),
        2,
      ),
    );
    const found = new Set(rows.map((row) => `${row.source_id} ${row.external_ref}`));
    return all.map(({ sourceId, refs }) => refs.some((ref) => found.has(`${sourceId} ${ref}`)));
  },
);

const MORE_COLUMNS = `${COLUMNS}, reference text, batch_id uuid, source_id uuid, delivery_id uuid, reporter_kind text, reporter_id text,
  reporter_party_id uuid, trust text, fetchable boolean, received_at timestamptz, correlation_id text`;

const insert = inOne(
  async (db: Db, all: readonly { request: RecordRequest; rows: readonly Row[] }[]): Promise<Noted[][]> => {
    const count = all.reduce((sum, { rows }) => sum + rows.length, 0);
    const references = await nextReferences(db, 'EXP', all[0]!.request.now, count);
    let at = 0;
    const whole = all.flatMap(({ request, rows }) =>
      rows.map((row) => ({
        ...row,
        reference: references[at++],
        batch_id: request.batchId,
        source_id: request.reporter.sourceId,
        delivery_id: request.deliveryId,
        reporter_kind: request.reporter.kind,
        reporter_id: request.reporter.id,
        reporter_party_id: request.reporter.partyId,
        trust: request.reporter.trust,
        fetchable: request.fetchable,
        received_at: iso(request.now),
        correlation_id: request.by.correlationId,
      })),
    );
    const made = await rowsOf<Omit<Noted, 'n' | 'incident_state'>>(
      db,
      `INSERT INTO exposure (id, reference, batch_id, source_id, delivery_id, external_ref, reporter_kind, reporter_id,
                             reporter_party_id, trust, place, state, triage_reason, supplier_id, kind, source_says,
                             publicly_leaked, occurred_at, detected_at, received_at, resolved_at, resolution, source_as_of,
                             correlation_id, updated_at)
       SELECT id, reference, batch_id, source_id, delivery_id, external_ref, reporter_kind, reporter_id, reporter_party_id, trust, place,
              CASE WHEN clue THEN 'received' WHEN fetchable THEN 'fetching' ELSE 'triage' END,
              CASE WHEN NOT clue AND NOT fetchable THEN 'the report carries no value, and its source cannot be asked for it' END,
              supplier_id, kind, coalesce(says, 'unknown'), public, occurred_at, detected_at, received_at,
              CASE WHEN resolution IS NOT NULL THEN coalesce(as_of, received_at) END, resolution, as_of, correlation_id, received_at
         FROM jsonb_to_recordset($1::jsonb) AS r(${MORE_COLUMNS}) ORDER BY reference
       ON CONFLICT DO NOTHING
       RETURNING id, reference, external_ref, state`,
      [JSON.stringify(whole)],
    );
    const found = new Map(made.map((row) => [row.id, row]));
    return all.map(({ rows }) =>
      rows.flatMap(({ n, id }) => {
        const row = found.get(id);
        return row ? [{ ...row, n, incident_state: null }] : [];
      }),
    );
  },
);

/** Digests of values that were learned later: what the source's own API gave. */
export function insertDigests(
  db: Db,
  entries: readonly { exposureId: Id; prepared: Pick<PreparedReport, 'digests'> }[],
): Promise<void> {
  return digestRows(db, entries);
}

type DigestEntries = Parameters<typeof insertDigests>[1];
const digestRows = inOne(async (db: Db, all: readonly DigestEntries[]): Promise<void[]> => {
  const rows = all
    .flat()
    .flatMap(({ exposureId, prepared }) =>
      prepared.digests.map((d) => [exposureId, d.form, d.scheme, d.keyId, d.digest]),
    );
  if (rows.length > 0) {
    await db.query(
      `INSERT INTO exposure_digest (exposure_id, form, scheme, key_id, digest)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::bytea[]) ON CONFLICT DO NOTHING`,
      columnsOf(rows, 5),
    );
  }
  return all.map(() => undefined);
});

export function insertPlaces(
  db: Db,
  entries: readonly { exposureId: Id; prepared: { report: { foundAt: readonly FoundAt[] } } }[],
  now: Millis,
): Promise<void> {
  return placeRows(db, { entries, now });
}

type PlaceEntries = { entries: Parameters<typeof insertPlaces>[1]; now: Millis };
const placeRows = inOne(async (db: Db, all: readonly PlaceEntries[]): Promise<void[]> => {
  const rows = all.flatMap(({ entries, now }) =>
    entries.flatMap(({ exposureId, prepared }) =>
      prepared.report.foundAt.map((f) => [
        newId(),
        exposureId,
        f.type,
        f.url ?? null,
        f.path ?? null,
        f.line ?? null,
        new Date(now),
      ]),
    ),
  );
  if (rows.length === 0) return all.map(() => undefined);
  await db.query(
    `INSERT INTO exposure_found_at (id, exposure_id, type, url, path, line, seen_at)
     SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::text[], $5::text[], $6::int[], $7::timestamptz[])
     ON CONFLICT DO NOTHING`,
    columnsOf(rows, 7),
  );
  return all.map(() => undefined);
});

function columnsOf(rows: readonly unknown[][], width: number): unknown[][] {
  return Array.from({ length: width }, (_, at) => rows.map((row) => row[at]));
}
