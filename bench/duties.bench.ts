import { setTimeout as delay } from 'node:timers/promises';
import { createPostgresBackend, Queue, Worker } from 'bullmq';
import pg from 'pg';
import { DUE_NOTICES } from '../src/domain/notices/notice-clock.ts';
import { DUE_OBLIGATIONS } from '../src/domain/obligations/duty-clock.sweep.ts';
import { newId } from '../src/kernel/ids.ts';
import { SECOND } from '../src/kernel/time.ts';
import { benchApp } from './app.ts';
import type { BenchPlace } from './place.ts';
import { percentile } from './statistics.ts';

const OPEN = 100_000;
const FEW = 1000;
const DUE = 500;

const KINDS = [
  { table: 'notice', sql: DUE_NOTICES, index: 'notice_by_next_clock' },
  { table: 'obligation', sql: DUE_OBLIGATIONS, index: 'obligation_by_next_clock' },
] as const;

/**
 * The look for duties whose clock has something to say, at 100,000 open ones: what it takes with none due and with 500 due,
 * against the same look at 1,000 open ones. Stops when the look is not one into the index.
 */
export async function dutiesBench(place: BenchPlace): Promise<void> {
  const rounds = place.quick ? 40 : 200;
  const { adminUrl } = await place.database('duties');
  const client = new pg.Client(adminUrl);
  await client.connect();
  try {
    const ids = await seed(client);
    let there = 0;
    for (const open of [FEW, OPEN]) {
      await fill(client, ids, there, open);
      there = open;
      for (const { table, sql, index } of KINDS) {
        const plan = await client.query<{ 'QUERY PLAN': string }>(
          `EXPLAIN ${sql.replace('$1', 'now()').replace('$2', '500')}`,
        );
        const text = plan.rows.map((row) => row['QUERY PLAN']).join('\n');
        if (open === OPEN && (!text.includes(index) || text.includes('Seq Scan')))
          throw new Error(`the look for due duties is no look into ${index}:\n${text}`);
        const none = await look(client, sql, rounds, 0);
        await client.query(
          `UPDATE ${table} SET next_clock_at = now() - interval '1 minute' WHERE id IN (SELECT id FROM ${table} LIMIT ${DUE})`,
        );
        const some = await look(client, sql, rounds, DUE);
        await client.query(
          `UPDATE ${table} SET next_clock_at = now() + interval '1 day' WHERE next_clock_at < now()`,
        );
        const name = `${table}, ${open} open`;
        place.figure(`${name}, none due, p50`, percentile(none, 50), 'ms');
        place.figure(`${name}, none due, p99`, percentile(none, 99), 'ms');
        place.figure(`${name}, ${DUE} due, p50`, percentile(some, 50), 'ms');
      }
    }
  } finally {
    await client.end();
  }
  await atOneInstant(place);
}

/**
 * Many deadlines that pass in one instant: how late each is written down as passed, beside as many delayed jobs of BullMQ
 * on the same Postgres that are due in one instant.
 */
async function atOneInstant(place: BenchPlace): Promise<void> {
  const count = place.quick ? 2000 : 10_000;
  const urls = await place.database('instant');
  const world = await benchApp(place, {
    name: 'instant',
    database: urls,
    settings: { COUNTERSIGN_PUBLIC_URL: 'https://countersign.example' },
  });
  const client = world.admin;
  try {
    const ids = await seed(client);
    await fill(client, ids, 0, count);
    const due = Date.now() + 5 * SECOND;
    await client.query(
      `UPDATE notice SET warn_at = $1, escalate_at = NULL, next_clock_at = $1, dispatch = 'attempting',
              next_attempt_at = NULL`,
      [new Date(due)],
    );
    const late: number[] = [];
    const end = performance.now() + 300 * SECOND;
    while (late.length < count) {
      if (performance.now() > end) throw new Error('duties: deadlines that passed were not written down');
      const { rows } = await client.query<{ passed: number }>(
        `SELECT count(*)::int AS passed FROM notice WHERE warned_at IS NOT NULL`,
      );
      while (late.length < rows[0]!.passed) late.push(Date.now() - due);
      await delay(20);
    }
    const jobs = await delayedJobs(urls.adminUrl, count);
    for (const rank of [50, 99]) {
      place.figure(
        `${count} deadlines of one instant, written down as passed, late by, p${rank}`,
        percentile(late, rank),
        'ms',
      );
      place.figure(
        `${count} delayed jobs of BullMQ on Postgres, late by, p${rank}`,
        percentile(jobs, rank),
        'ms',
      );
      place.figure(
        `deadlines to delayed jobs, p${rank}`,
        percentile(late, rank) / percentile(jobs, rank),
        '×',
      );
    }
  } finally {
    await world.close();
  }
}

/** How late each of so many jobs began that were due in one instant, in ms. */
async function delayedJobs(url: string, count: number): Promise<number[]> {
  const pool = new pg.Pool({ connectionString: url, options: '-c search_path=bullmq', max: 8 });
  pool.on('error', () => {});
  const name = `bench-${newId()}`;
  const queue = new Queue(name, { connection: pool as never }, createPostgresBackend as never);
  await queue.waitUntilReady();
  // Far enough for all of them to be there.
  const due = Date.now() + Math.max(10 * SECOND, count * 2);
  for (let at = 0; at < count; at += 500) {
    await queue.addBulk(
      Array.from({ length: 500 }, (_, n) => ({
        name: 'no-op',
        data: { n: at + n },
        opts: { jobId: `j${at + n}`, delay: Math.max(1, due - Date.now()), removeOnComplete: true },
      })),
    );
  }
  const late: number[] = [];
  await new Promise<void>((resolve) => {
    const worker = new Worker(
      name,
      () => {
        late.push(Math.max(0, Date.now() - due));
        if (late.length === count) setImmediate(() => void worker.close().then(resolve));
        return Promise.resolve();
      },
      { connection: pool as never, concurrency: 200 },
      createPostgresBackend as never,
    );
    worker.on('error', () => {});
  });
  await queue.obliterate({ force: true });
  await queue.close();
  await pool.end();
  return late;
}

interface Ids {
  party: string;
  integration: string;
  incident: string;
  case: string;
}

async function seed(client: pg.Client): Promise<Ids> {
  const ids = { party: newId(), integration: newId(), incident: newId(), case: newId() };
  await client.query(
    `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, 'PTY-1', 'Party', now(), now())`,
    [ids.party],
  );
  await client.query(
    `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, 'INT-1', 'Integration', now(), now())`,
    [ids.integration],
  );
  await client.query(
    `INSERT INTO incident (id, reference, title, state, severity, awareness_at, opened_at, correlation_id, updated_at)
     VALUES ($1, 'INC-1', 'Incident', 'containing', 'high', now(), now(), 'bench', now())`,
    [ids.incident],
  );
  await client.query(
    `INSERT INTO incident_case (id, reference, incident_id, integration_id, awareness_at, opened_at, updated_at)
     VALUES ($1, 'CAS-1', $2, $3, now(), now(), now())`,
    [ids.case, ids.incident, ids.integration],
  );
  return ids;
}

async function fill(client: pg.Client, ids: Ids, from: number, until: number): Promise<void> {
  const soon = `now() + interval '1 hour' + n * interval '10 seconds'`;
  await client.query(
    `INSERT INTO notice (id, reference, integration_id, party_id, subject_kind, subject_id, idempotency_key, category, trigger, start_event,
                         start_at, due_at, warn_at, escalate_at, next_clock_at, fulfilled_by, facts, message_id, correlation_id, created_at, updated_at)
     SELECT gen_random_uuid(), 'NTC-' || n, $1, $2, 'case', $3, 'k' || n, 'exposure', 'confirmed', 'confirmed', now(), ${soon}, ${soon}, ${soon},
            ${soon}, 'accepted_by_peer', '{}', 'm' || n, 'bench', now(), now() FROM generate_series($4::int, $5::int) AS n`,
    [ids.integration, ids.party, ids.case, from + 1, until],
  );
  await client.query(
    `INSERT INTO obligation (id, reference, incident_id, case_id, party_id, rule_id, rule_version, phase, title, tells, audience, start_event,
                             standing, start_at, due_at, due_date, due_why, frozen, warn_at, escalate_at, next_clock_at, created_at, updated_at)
     SELECT gen_random_uuid(), 'OBL-' || n, $1, $2, $3, 'gdpr-33-1', 'gdpr-33-1 2026-11-22', 'p' || n, 'Duty', 'authority', 'authority', 'awareness',
            'dated', now(), ${soon}, '2026-11-25', '', '{}', ${soon}, ${soon}, ${soon}, now(), now() FROM generate_series($4::int, $5::int) AS n`,
    [ids.incident, ids.case, ids.party, from + 1, until],
  );
  await client.query('ANALYZE notice, obligation');
}

/** How long each look took, in ms; nothing is kept of its locks. */
async function look(client: pg.Client, sql: string, rounds: number, due: number): Promise<number[]> {
  const took: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await client.query('BEGIN');
    const began = performance.now();
    const { rowCount } = await client.query(sql, [new Date(), DUE]);
    took.push(performance.now() - began);
    await client.query('ROLLBACK');
    if (rowCount !== due) throw new Error(`${rowCount} duties were found due, not ${due}`);
  }
  return took;
}
