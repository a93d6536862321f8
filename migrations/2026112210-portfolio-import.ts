/**
 * Portfolios that come as files.
 *
 * `import_job` is the resource that a caller watches; `import_problem` holds what was wrong with which line. Rows of a
 * file wait in unlogged staging tables, which a crash of the server empties: the file is still there and is read again.
 * Every try of a job has a run id of its own, so that a worker that was taken for dead cannot mix its rows into the rows
 * of its successor.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate, stagingGrant } from './isolation.ts';

const STAGING = ['staging_row', 'staging_key', 'staging_change', 'staging_problem'];

export class PortfolioImport2026112210000 implements MigrationInterface {
  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE import_job (
        id uuid NOT NULL,
        reference text NOT NULL,
        source text NOT NULL,
        format text NOT NULL,
        kind text,
        file_name text NOT NULL DEFAULT '',
        dry_run boolean NOT NULL DEFAULT false,
        partial boolean NOT NULL DEFAULT false,
        state text NOT NULL DEFAULT 'queued',
        run_id uuid,
        spool text,
        bytes_total bigint NOT NULL DEFAULT 0,
        bytes_read bigint NOT NULL DEFAULT 0,
        rows_read int NOT NULL DEFAULT 0,
        counts jsonb NOT NULL DEFAULT '{}',
        problems int NOT NULL DEFAULT 0,
        failure text,
        mend text,
        requested_by text NOT NULL,
        created_at timestamptz NOT NULL,
        started_at timestamptz,
        beat_at timestamptz,
        ended_at timestamptz,
        CONSTRAINT import_job_pk PRIMARY KEY (id),
        CONSTRAINT import_job_reference UNIQUE (reference),
        CONSTRAINT import_job_format_known CHECK (format IN ('json', 'yaml', 'csv', 'jsonl')),
        CONSTRAINT import_job_state_known CHECK (state IN ('queued', 'reading', 'checking', 'applying', 'done', 'refused', 'failed')),
        CONSTRAINT import_job_ends CHECK ((ended_at IS NOT NULL) = (state IN ('done', 'refused', 'failed')))
      );
      CREATE INDEX import_job_unfinished ON import_job (beat_at) WHERE ended_at IS NULL;
      COMMENT ON COLUMN import_job.spool IS 'name of the uploaded file in the data folder, until the job has ended';
      COMMENT ON COLUMN import_job.problems IS 'all that were found; at most 10,000 of them are kept as rows';

      CREATE TABLE import_problem (
        job_id uuid NOT NULL,
        ordinal int NOT NULL,
        line int NOT NULL,
        kind text NOT NULL,
        row_key text,
        field text NOT NULL,
        problem text NOT NULL,
        mend text NOT NULL,
        CONSTRAINT import_problem_pk PRIMARY KEY (job_id, ordinal),
        CONSTRAINT import_problem_job_fk FOREIGN KEY (job_id) REFERENCES import_job (id) ON DELETE CASCADE
      );

      CREATE UNLOGGED TABLE staging_row (
        run_id uuid NOT NULL,
        line int NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        id uuid NOT NULL,
        bad boolean NOT NULL,
        body jsonb NOT NULL
      );
      CREATE INDEX staging_row_by_kind ON staging_row (run_id, kind);
      -- Nothing is ever chosen by what a body holds; looking at samples of it costs more than all other columns.
      ALTER TABLE staging_row ALTER COLUMN body SET STATISTICS 0;

      CREATE UNLOGGED TABLE staging_key (
        run_id uuid NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        id uuid,
        fresh boolean NOT NULL,
        in_file boolean NOT NULL,
        PRIMARY KEY (run_id, kind, key)
      );

      CREATE UNLOGGED TABLE staging_change (
        run_id uuid NOT NULL,
        kind text NOT NULL,
        id uuid NOT NULL,
        created boolean NOT NULL,
        counted boolean NOT NULL,
        PRIMARY KEY (run_id, kind, id)
      );
      COMMENT ON COLUMN staging_change.counted IS 'whether its row_version already moved';

      CREATE UNLOGGED TABLE staging_problem (
        run_id uuid NOT NULL,
        line int NOT NULL,
        kind text NOT NULL,
        key text NOT NULL,
        field text NOT NULL,
        problem text NOT NULL,
        mend text NOT NULL,
        consequence boolean NOT NULL
      );
      CREATE INDEX staging_problem_by_run ON staging_problem (run_id, line);
    `);
    await isolate(q, 'import_job', 'installation');
    await isolate(q, 'import_problem', 'installation');
    for (const table of STAGING) await stagingGrant(q, table);
    // Ids for rows that only SQL makes: UUIDv7 (RFC 9562 section 5.7) as kernel/ids.ts makes them, but for the counter.
    await q.query(`
      CREATE FUNCTION cs_new_id(at timestamptz) RETURNS uuid LANGUAGE sql VOLATILE PARALLEL SAFE
      RETURN encode(
        set_byte(
          overlay(uuid_send(gen_random_uuid())
            PLACING substring(int8send(floor(extract(epoch FROM at) * 1000)::bigint) FROM 3) FROM 1 FOR 6),
          6, 112 | (get_byte(uuid_send(gen_random_uuid()), 6) & 15)),
        'hex')::uuid`);
    // The planner knows nothing of rows that came a moment ago, and only an owner may tell it.
    await q.query(`
      CREATE FUNCTION cs_analyze_staging() RETURNS void
      LANGUAGE plpgsql SECURITY DEFINER SET search_path = public, pg_temp SET default_statistics_target = 10 AS $$
      BEGIN
        ANALYZE staging_row;
        ANALYZE staging_key;
      END
      $$`);
    await q.query(`REVOKE ALL ON FUNCTION cs_analyze_staging() FROM PUBLIC`);
    await q.query(`GRANT EXECUTE ON FUNCTION cs_analyze_staging() TO countersign_app`);
  }

  async down(q: QueryRunner): Promise<void> {
    await q.query(`DROP FUNCTION cs_analyze_staging()`);
    await q.query(`DROP FUNCTION cs_new_id(timestamptz)`);
    await q.query(`DROP TABLE ${STAGING.join(', ')}, import_problem, import_job`);
  }
}
