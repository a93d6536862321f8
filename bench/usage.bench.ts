import type pg from 'pg';
import { request } from 'undici';
import { newId } from '../src/kernel/ids.ts';
import { benchApp, benchToken } from './app.ts';
import type { BenchPlace } from './place.ts';
import { median, percentile } from './statistics.ts';

const BATCH = 1000;

/**
 * Reports of use over HTTP, against an inventory of 100,000 credentials, in batches of a thousand from one feed; with what
 * a bare insert of the same rows costs in the same run.
 */
export async function usageBench(place: BenchPlace): Promise<void> {
  const credentials = Number(process.env['BENCH_CREDENTIALS'] ?? 100_000);
  const rounds = Number(process.env['BENCH_ROUNDS'] ?? (place.quick ? 8 : 30));
  const world = await benchApp(place, { name: 'usage', seed: (client) => inventory(client, credentials) });
  const { app, admin, url } = world;
  try {
    const token = await benchToken(app, { permissions: ['usage:report'] });
    let sent = 0;
    const batch = (at: number) =>
      Array.from({ length: BATCH }, () => {
        sent += 1;
        const n = (sent * 7919) % credentials;
        return { n, eventId: `event-${sent}`, at: new Date(at - (sent % 1000)).toISOString() };
      });
    const taken: number[] = [];
    const bare: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const events = batch(Date.now());
      const body = events
        .map(({ n, eventId, at }) =>
          JSON.stringify({
            eventId,
            supplierId: `key_${n}`,
            at,
            outcome: 'accepted',
            actor: `worker-${n % 50}`,
            environment: 'production',
            sourceAddress: `198.51.100.${n % 250}`,
          }),
        )
        .join('\n');
      let began = performance.now();
      const answer = await request(`${url}/api/v1/usage-events?feed=bench`, {
        method: 'POST',
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/x-ndjson' },
        body,
      });
      const receipt = (await answer.body.json()) as { accepted: number };
      taken.push(performance.now() - began);
      if (receipt.accepted !== BATCH)
        throw new Error(`${answer.statusCode}: ${JSON.stringify(receipt).slice(0, 500)}`);
      const rows = events.map(({ n, at }) => [newId(), n, at] as const);
      began = performance.now();
      // A table with the same indexes and keys, and nothing that decides anything.
      await admin.query(
        `INSERT INTO bare_event (id, version_id, credential_id, integration_id, at, outcome, actor, environment, feed_id, event_id, reported_by)
         SELECT r.id, v.version_id, v.credential_id, v.integration_id, r.at, 'accepted', 'worker', 'production', $4, r.id::text, 'bench'
           FROM unnest($1::uuid[], $2::int[], $3::timestamptz[]) AS r(id, n, at) JOIN bare_version v ON v.n = r.n`,
        [rows.map(([id]) => id), rows.map(([, n]) => n), rows.map(([, , at]) => at), FEED],
      );
      bare.push(performance.now() - began);
    }
    const perSecond = (times: readonly number[]) => (BATCH / median(times)) * 1000;
    place.figure(
      `events in batches of ${BATCH}, ${credentials} credentials (goal at least 1,000)`,
      perSecond(taken),
      'events/s',
    );
    place.figure(`a batch of ${BATCH}, p99 of ${rounds}`, percentile(taken, 99), 'ms');
    place.figure('the same rows by a bare insert', perSecond(bare), 'rows/s');
    place.figure('ratio to the bare insert', median(bare) / median(taken), '×');
  } finally {
    await world.close();
  }
}

const FEED = newId();

/** Credentials with one version each, set-based: how they came is not measured here. */
async function inventory(admin: pg.Client, credentials: number): Promise<void> {
  const [party, integration] = [newId(), newId()];
  await admin.query(
    `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, 'PTY-BENCH', 'Supplier', now(), now())`,
    [party],
  );
  await admin.query(
    `INSERT INTO integration (id, reference, name, state, created_at, updated_at) VALUES ($1, 'INT-BENCH', 'Bench', 'live', now(), now())`,
    [integration],
  );
  await admin.query(
    `INSERT INTO credential (id, reference, integration_id, name, kind, issuer_party_id, verifier_party_id, created_at, updated_at)
     SELECT gen_random_uuid(), 'CRD-' || n, $1, 'Key ' || n, 'api_key', $2, $2, now(), now() FROM generate_series(0, $3::int - 1) AS n`,
    [integration, party, credentials],
  );
  await admin.query(
    `INSERT INTO credential_version (id, credential_id, integration_id, number, supplier_id, phase, created_at)
     SELECT gen_random_uuid(), id, integration_id, 1, 'key_' || substr(reference, 5), 'active', now() - interval '1 hour' FROM credential`,
  );
  await admin.query(`CREATE TABLE bare_event (LIKE usage_event INCLUDING INDEXES)`);
  await admin.query(
    `ALTER TABLE bare_event ADD FOREIGN KEY (version_id, credential_id, integration_id) REFERENCES credential_version (id, credential_id, integration_id)`,
  );
  await admin.query(
    `CREATE TABLE bare_version AS SELECT substr(supplier_id, 5)::int AS n, id AS version_id, credential_id, integration_id FROM credential_version`,
  );
  await admin.query(`CREATE UNIQUE INDEX ON bare_version (n)`);
  await admin.query(`VACUUM ANALYZE`);
}
