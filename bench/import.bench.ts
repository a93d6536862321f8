import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { promisify } from 'node:util';
import { Client } from 'pg';
import type { ImportedBy } from './import-child.ts';
import type { BenchPlace } from './place.ts';

const SMALL = 1_000;
const LARGE = Number(process.env['BENCH_INTEGRATIONS'] ?? 10_000);
const CREDENTIALS = 5;

/** What an import writes, in the order in which foreign keys allow it. */
const TABLES = [
  'party',
  'contact',
  'integration',
  'integration_party',
  'credential',
  'credential_use',
  'credential_holder',
  'credential_scope',
  'credential_version',
  'fingerprint',
  'location',
  'matrix_version',
  'matrix_row',
  'matrix_performer',
];

/**
 * Rows a second of a whole import (read, checked, merged, on the ledger) against COPY of the rows that it wrote into the
 * same tables with the same keys, checks and indexes; and whether memory stays flat as the file grows.
 */
export async function importBench(place: BenchPlace): Promise<void> {
  const dir = await mkdtemp(join(tmpdir(), 'countersign-import-bench-'));
  await chmod(dir, 0o777); // the server writes and reads the copied rows here
  try {
    for (const format of place.quick ? (['jsonl'] as const) : (['jsonl', 'csv'] as const)) {
      const peak: Record<number, number> = {};
      for (const count of [SMALL, LARGE]) {
        const source = `bench-${format}-${count}`;
        const file = join(dir, `${source}.${format}`);
        await pipeline(Readable.from(format === 'csv' ? csv(count) : jsonl(count)), createWriteStream(file));
        const done = await importIn(file, source, place.appUrl, dir);
        peak[count] = done.maxRssMb;
        const label = `${format}, ${count.toLocaleString('en')} integrations with ${(count * CREDENTIALS).toLocaleString('en')} credentials`;
        place.figure(`${label}: seconds`, done.seconds, 's');
        place.figure(`${label}: rows of the file`, done.rows / done.seconds, 'rows/s');
        place.figure(`${label}: peak memory of the process`, done.maxRssMb, 'MB');
        const copied = await copySame(place.adminUrl, dir, source);
        place.figure(
          `${label}: COPY of the ${copied.rows.toLocaleString('en')} rows that it wrote`,
          copied.seconds,
          's',
        );
        place.figure(`${label}: import against COPY (goal at least 0.3)`, copied.seconds / done.seconds, '×');
        await rm(file);
      }
      place.figure(
        `${format}: peak memory, large against small (goal at most 1.25)`,
        (peak[LARGE] ?? 0) / (peak[SMALL] ?? 1),
        '×',
      );
    }
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** In a process of its own, so that its memory is the import's. */
async function importIn(
  file: string,
  source: string,
  databaseUrl: string,
  dataFolder: string,
): Promise<ImportedBy> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    [
      ...process.execArgv,
      new URL(import.meta.url.replace('import.bench', 'import-child')).pathname,
      file,
      source,
    ],
    {
      env: { ...process.env, DATABASE_URL: databaseUrl, COUNTERSIGN_DATA: dataFolder },
      maxBuffer: 10_000_000,
    },
  );
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as ImportedBy;
}

/** Puts all rows into files, and the rows of one import back by COPY, in a transaction that is then undone. */
async function copySame(
  adminUrl: string,
  dir: string,
  source: string,
): Promise<{ rows: number; seconds: number }> {
  const client = new Client(adminUrl);
  await client.connect();
  const at = (table: string) => `'${join(dir, `${source}.${table}.copy`)}'`;
  try {
    const { rows: ledger } = await client.query<{ n: string }>(
      `SELECT count(*) AS n FROM ledger_entry WHERE body::jsonb #>> '{facts,importJobId}' = (SELECT id::text FROM import_job WHERE source = $1)`,
      [source],
    );
    const mine: Record<string, string> = {
      party: `source = '${source}'`,
      contact: `source = '${source}'`,
      integration: `source = '${source}'`,
      credential: `source = '${source}'`,
      location: `source = '${source}'`,
      matrix_performer:
        `matrix_row_id IN (SELECT id FROM matrix_row r JOIN integration i ON i.id = r.integration_id WHERE i.source = '${source}')`.replace(
          'SELECT id',
          'SELECT r.id',
        ),
    };
    const of = (table: string) =>
      mine[table] ?? `integration_id IN (SELECT id FROM integration WHERE source = '${source}')`;
    let rows = Number(ledger[0]?.n ?? 0);
    for (const table of TABLES)
      rows +=
        (await client.query(`COPY (SELECT * FROM ${table} WHERE ${of(table)}) TO ${at(table)}`)).rowCount ??
        0;
    await client.query(
      `COPY (SELECT * FROM ledger_entry WHERE body::jsonb #>> '{facts,importJobId}' = (SELECT id::text FROM import_job WHERE source = '${source}')) TO ${at('ledger_entry')}`,
    );
    // Copies of the tables, so that the originals keep their rows: the same columns, keys, checks, indexes and references.
    await client.query('CREATE SCHEMA IF NOT EXISTS copied');
    for (const table of [...TABLES, 'ledger_entry'])
      await client.query(`CREATE TABLE copied.${table} (LIKE public.${table} INCLUDING ALL)`);
    const { rows: keys } = await client.query<{ sql: string }>(
      `SELECT format('ALTER TABLE copied.%I ADD CONSTRAINT %I %s', c.relname, k.conname,
                     regexp_replace(pg_get_constraintdef(k.oid), 'REFERENCES (\\S+?)\\(', 'REFERENCES ' || CASE WHEN t.relname = ANY($1) THEN 'copied.' ELSE 'public.' END || '\\1(')) AS sql
         FROM pg_constraint k JOIN pg_class c ON c.oid = k.conrelid JOIN pg_class t ON t.oid = k.confrelid
        WHERE k.contype = 'f' AND c.relnamespace = 'public'::regnamespace AND c.relname = ANY($1)`,
      [TABLES],
    );
    for (const { sql } of keys) await client.query(sql);
    const started = performance.now();
    await client.query('BEGIN');
    for (const table of [...TABLES, 'ledger_entry'])
      await client.query(`COPY copied.${table} FROM ${at(table)}`);
    await client.query('COMMIT');
    return { rows, seconds: (performance.now() - started) / 1000 };
  } finally {
    await client.query('DROP SCHEMA IF EXISTS copied CASCADE');
    await client.end();
  }
}

const PARTIES = 50;

function* things(count: number): Generator<{ kind: string } & Record<string, unknown>> {
  for (let n = 0; n < PARTIES; n++) yield { kind: 'party', key: `p${n}`, name: `Party ${n}`, region: 'EU' };
  for (let n = 0; n < PARTIES; n++) {
    yield {
      kind: 'contact',
      key: `c${n}`,
      party: `p${n}`,
      name: `Contact ${n}`,
      role: 'security',
      email: `c${n}@p${n}.example`,
    };
  }
  for (let n = 0; n < count; n++) {
    const [supplier, customer] = [`p${n % PARTIES}`, `p${(n + 1) % PARTIES}`];
    const duty = (name: string, accountable: string) => ({
      duty: name,
      accountable,
      performing: [accountable],
    });
    yield {
      kind: 'integration',
      key: `i${n}`,
      name: `Integration ${n}`,
      purpose: 'Carries orders from one side to the other',
      riskTier: 1 + (n % 4),
      owner: `c${(n + 1) % PARTIES}`,
      parties: [
        { party: supplier, role: 'supplier' },
        { party: customer, role: 'customer' },
      ],
      matrix: [
        duty('issuance', supplier),
        duty('storage', customer),
        duty('rotation', customer),
        duty('revocation', supplier),
      ],
    };
    for (let m = 0; m < CREDENTIALS; m++) {
      const key = `k${n}-${m}`;
      yield {
        kind: 'credential',
        key,
        integration: `i${n}`,
        name: `Credential ${m} of ${n}`,
        type: 'api_key',
        issuer: supplier,
        verifier: supplier,
        holders: [customer],
        revocability: 'manual',
        scopes: ['orders.read'],
        risk: (n * 7 + m) % 1000,
      };
      const sha256 = createHash('sha256').update(`${count} ${key}`).digest('hex');
      yield {
        kind: 'credentialVersion',
        credential: key,
        number: 1,
        supplierId: `id-${count}-${key}`,
        sha256,
      };
      yield {
        kind: 'location',
        key: `l${n}-${m}`,
        credential: key,
        type: 'vault',
        name: 'Vault',
        path: `kv/${key}`,
        party: customer,
      };
    }
  }
}

export function* jsonl(count: number): Generator<string> {
  for (const thing of things(count)) yield `${JSON.stringify(thing)}\n`;
}

const COLUMNS = [
  'kind',
  'key',
  'name',
  'region',
  'party',
  'role',
  'email',
  'purpose',
  'riskTier',
  'owner',
  'parties',
  'matrix',
  'integration',
  'type',
  'issuer',
  'verifier',
  'holders',
  'revocability',
  'scopes',
  'risk',
  'credential',
  'number',
  'supplierId',
  'sha256',
  'path',
];

export function* csv(count: number): Generator<string> {
  yield `${COLUMNS.join(',')}\n`;
  for (const thing of things(count)) yield `${COLUMNS.map((column) => cell(thing[column])).join(',')}\n`;
}

function cell(value: unknown): string {
  if (value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
