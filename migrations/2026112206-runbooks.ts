/**
 * The engine's state: what runs, where each step stands, and what has happened to it.
 *
 * One row of `step` is one item of a fan-out. It changes three times in its life at thousands a second, so the table
 * leaves room on its pages, has no index that its short life does not need, and no foreign keys: every row is written by
 * the engine from a run that it holds. Dependants are released by counters: `step.blockers`, and per definition step
 * `run_node.gate` and `run_node.open`.
 */
import type { MigrationInterface, QueryRunner } from 'typeorm';
import { isolate } from './isolation.ts';

export class Runbooks2026112206000 implements MigrationInterface {
  readonly name = 'Runbooks2026112206000';

  async up(q: QueryRunner): Promise<void> {
    await q.query(`
      CREATE TABLE runbook_definition (
        hash text NOT NULL,
        runbook text NOT NULL,
        version int NOT NULL,
        title text NOT NULL,
        body jsonb NOT NULL,
        stored_at timestamptz NOT NULL,
        CONSTRAINT runbook_definition_pk PRIMARY KEY (hash)
      );
      CREATE INDEX runbook_definition_by_runbook ON runbook_definition (runbook, stored_at);

      CREATE TABLE run (
        id uuid NOT NULL,
        definition_hash text NOT NULL,
        runbook text NOT NULL,
        title text NOT NULL,
        subject_kind text NOT NULL,
        subject_id uuid NOT NULL,
        input jsonb NOT NULL,
        state text NOT NULL,
        open_nodes int NOT NULL,
        barred boolean NOT NULL DEFAULT false,
        requested_by text NOT NULL,
        correlation_id text NOT NULL,
        started_at timestamptz NOT NULL,
        finished_at timestamptz,
        reason text,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT run_pk PRIMARY KEY (id),
        CONSTRAINT run_definition_fk FOREIGN KEY (definition_hash) REFERENCES runbook_definition (hash),
        CONSTRAINT run_state_known CHECK (state IN ('running', 'cancelling', 'done', 'failed', 'cancelled')),
        CONSTRAINT run_finished_has_instant CHECK ((state IN ('running', 'cancelling')) = (finished_at IS NULL))
      ) WITH (fillfactor = 70);
      CREATE INDEX run_by_subject ON run (subject_id);
      CREATE INDEX run_open ON run (started_at) WHERE finished_at IS NULL;

      CREATE TABLE run_node (
        run_id uuid NOT NULL,
        node smallint NOT NULL,
        step text NOT NULL,
        title text NOT NULL,
        ad_hoc jsonb,
        on_demand boolean NOT NULL,
        planned boolean NOT NULL,
        closed boolean NOT NULL DEFAULT false,
        barred boolean NOT NULL DEFAULT false,
        gate int NOT NULL,
        gate_barred boolean NOT NULL DEFAULT false,
        draining boolean NOT NULL DEFAULT false,
        cursor text,
        expected int,
        total int NOT NULL DEFAULT 0,
        open int NOT NULL DEFAULT 0,
        done int NOT NULL DEFAULT 0,
        failed int NOT NULL DEFAULT 0,
        skipped int NOT NULL DEFAULT 0,
        cancelled int NOT NULL DEFAULT 0,
        moved_at timestamptz,
        CONSTRAINT run_node_pk PRIMARY KEY (run_id, node),
        CONSTRAINT run_node_run_fk FOREIGN KEY (run_id) REFERENCES run (id)
      ) WITH (fillfactor = 50);
      CREATE INDEX run_node_unplanned ON run_node (run_id) WHERE (NOT planned AND NOT on_demand AND gate = 0) OR draining;

      CREATE TABLE step (
        id uuid NOT NULL,
        run_id uuid NOT NULL,
        worker uuid,
        lease_until timestamptz,
        wake_at timestamptz,
        ready_at timestamptz,
        started_at timestamptz,
        finished_at timestamptz,
        stalled_at timestamptz,
        due_at timestamptz,
        fence int NOT NULL DEFAULT 0,
        node smallint NOT NULL,
        priority smallint NOT NULL,
        blockers smallint NOT NULL,
        attempt int NOT NULL DEFAULT 0,
        failures smallint NOT NULL DEFAULT 0,
        family smallint NOT NULL DEFAULT 1,
        deaths smallint NOT NULL DEFAULT 0,
        gated boolean NOT NULL DEFAULT false,
        taken_over boolean NOT NULL DEFAULT false,
        approved boolean NOT NULL DEFAULT false,
        passed boolean,
        state text NOT NULL,
        item_key text NOT NULL,
        lane text NOT NULL,
        parent_key text,
        covers smallint[],
        item jsonb,
        output jsonb,
        reason text,
        for_what text,
        owner_role text,
        owner_contact_id uuid,
        CONSTRAINT step_pk PRIMARY KEY (id),
        CONSTRAINT step_item UNIQUE (run_id, node, item_key),
        CONSTRAINT step_state_known CHECK (state IN ('pending', 'ready', 'running', 'waiting', 'unknown', 'parked', 'done', 'failed', 'skipped', 'cancelled'))
      ) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05, autovacuum_analyze_scale_factor = 0.2);
      CREATE INDEX step_ready ON step (lane, priority DESC, id) WHERE state = 'ready';
      CREATE INDEX step_running ON step (worker, lane) WHERE state = 'running';
      CREATE INDEX step_call_lease ON step (lease_until) WHERE state = 'running' AND lease_until IS NOT NULL;
      CREATE INDEX step_wake ON step (wake_at) WHERE state IN ('waiting', 'unknown');
      CREATE INDEX step_put_off ON step (run_id, node, state) WHERE state IN ('waiting', 'unknown', 'parked');
      CREATE INDEX step_parked ON step (id) WHERE state = 'parked';
      CREATE INDEX step_failed ON step (finished_at) WHERE state = 'failed';
      CREATE INDEX step_stalled ON step (stalled_at) WHERE stalled_at IS NOT NULL;
      CREATE INDEX step_parent ON step (run_id, node, parent_key) WHERE state = 'pending' AND parent_key IS NOT NULL;
      CREATE INDEX step_gated ON step (run_id, node, id) WHERE gated;

      CREATE TABLE step_event (
        step_id uuid NOT NULL,
        n bigint GENERATED ALWAYS AS IDENTITY NOT NULL,
        run_id uuid NOT NULL,
        at timestamptz NOT NULL,
        worker uuid,
        fence int NOT NULL,
        attempt int NOT NULL,
        kind text NOT NULL,
        state text,
        reason text,
        by text,
        evidence uuid[],
        CONSTRAINT step_event_pk PRIMARY KEY (step_id, n)
      );

      CREATE TABLE step_approval (
        id uuid NOT NULL,
        step_id uuid NOT NULL,
        family smallint NOT NULL,
        who text NOT NULL,
        decision text NOT NULL,
        note text,
        at timestamptz NOT NULL,
        CONSTRAINT step_approval_pk PRIMARY KEY (id),
        CONSTRAINT step_approval_once UNIQUE (step_id, family, who),
        CONSTRAINT step_approval_step_fk FOREIGN KEY (step_id) REFERENCES step (id),
        CONSTRAINT step_approval_decision_known CHECK (decision IN ('approve', 'reject'))
      );

      CREATE TABLE deadline (
        id uuid NOT NULL,
        run_id uuid NOT NULL,
        step_id uuid NOT NULL,
        family smallint NOT NULL,
        kind text NOT NULL,
        otherwise text NOT NULL,
        owner_role text,
        owner_contact_id uuid,
        warn_at timestamptz,
        due_at timestamptz NOT NULL,
        warned_at timestamptz,
        met_at timestamptz,
        missed_at timestamptz,
        CONSTRAINT deadline_pk PRIMARY KEY (id),
        CONSTRAINT deadline_once UNIQUE (step_id, family, kind),
        CONSTRAINT deadline_kind_known CHECK (kind IN ('due', 'answer', 'approval')),
        CONSTRAINT deadline_otherwise_known CHECK (otherwise IN ('escalate', 'act'))
      );
      CREATE INDEX deadline_due ON deadline (due_at) WHERE met_at IS NULL AND missed_at IS NULL;
      CREATE INDEX deadline_warn ON deadline (warn_at) WHERE met_at IS NULL AND missed_at IS NULL AND warned_at IS NULL;
      CREATE INDEX deadline_missed ON deadline (missed_at) WHERE missed_at IS NOT NULL AND met_at IS NULL;

      CREATE TABLE lane (
        key text NOT NULL,
        concurrency int,
        per_second real,
        next_slot_at timestamptz NOT NULL,
        row_version int NOT NULL DEFAULT 1,
        CONSTRAINT lane_pk PRIMARY KEY (key),
        CONSTRAINT lane_limits_positive CHECK (concurrency > 0 AND per_second > 0)
      ) WITH (fillfactor = 50);

      CREATE TABLE engine_worker (
        id uuid NOT NULL,
        name text NOT NULL,
        started_at timestamptz NOT NULL,
        lease_until timestamptz NOT NULL,
        CONSTRAINT engine_worker_pk PRIMARY KEY (id)
      ) WITH (fillfactor = 50);
    `);
    for (const table of TABLES) await isolate(q, table, 'installation');

    // A miss is decided once: later answers add \`met_at\` beside it and never take it away.
    await q.query(`
      CREATE FUNCTION deadline_keeps_miss() RETURNS trigger LANGUAGE plpgsql AS $$
      BEGIN
        IF OLD.missed_at IS NOT NULL AND NEW.missed_at IS DISTINCT FROM OLD.missed_at THEN
          RAISE EXCEPTION 'a missed deadline stays missed' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
      END
      $$`);
    await q.query(
      `CREATE TRIGGER deadline_keeps_miss BEFORE UPDATE ON deadline FOR EACH ROW EXECUTE FUNCTION deadline_keeps_miss()`,
    );
  }

  async down(q: QueryRunner): Promise<void> {
    for (const table of TABLES.toReversed()) await q.query(`DROP TABLE ${table}`);
    await q.query(`DROP FUNCTION deadline_keeps_miss()`);
  }
}

const TABLES = [
  'runbook_definition',
  'run',
  'run_node',
  'step',
  'step_event',
  'step_approval',
  'deadline',
  'lane',
  'engine_worker',
];
