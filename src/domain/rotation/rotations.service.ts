import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { HOUR, MINUTE, parseInstant, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Targets } from '../revocation/targets.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { issuesOf, settleIssue } from './issues.queries.ts';
import { NewVersions } from './new-versions.service.ts';
import { PlacesService } from './places.service.ts';
import { MAKES, Recipes, type Recipe } from './recipes.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import type { EnterVersion, PlaceAnswer, StartRotation } from './rotation.schema.ts';
import { settingOf } from './settings.queries.ts';
import { waitingSteps } from './steps.queries.ts';

const ROLL_BACK = 'rotation-roll-back';

interface Subject {
  name: string;
  kind: string;
  integrationId: Id;
  versionId: Id | null;
}

/** What people, and the clock, do with rotations. */
@Injectable()
export class RotationsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
    private readonly recipes: Recipes,
    private readonly versions: NewVersions,
    private readonly places: PlacesService,
    private readonly targets: Targets,
    private readonly runs: RunsService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Opens a rotation and starts its run. One at a time for each credential. */
  start(
    credentialId: Id,
    input: StartRotation,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string; runId: Id }, Refusal>> {
    return this.#atomic(by, (db) => this.begin(db, credentialId, input, by));
  }

  /** The same in the caller's transaction. */
  async begin(
    db: Db,
    credentialId: Id,
    input: StartRotation,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string; runId: Id }, Refusal>> {
    await db.query(`SELECT FROM credential WHERE id = $1 AND retired_at IS NULL FOR UPDATE`, [credentialId]);
    const [subject] = await db.query<Subject[]>(
      `SELECT c.name, c.kind, c.integration_id AS "integrationId",
              (SELECT v.id FROM credential_version v WHERE v.credential_id = c.id AND v.phase = 'active') AS "versionId"
         FROM credential c WHERE c.id = $1 AND c.retired_at IS NULL`,
      [credentialId],
    );
    if (!subject) return err(refusal('not_found', 'no-credential', 'There is no such credential in use.'));
    if (subject.versionId === null)
      return err(
        refusal(
          'conflict',
          'no-active-version',
          'The credential has no version in use: there is nothing to rotate. Record one.',
        ),
      );
    const [open] = await db.query<{ reference: string }[]>(
      `SELECT reference FROM rotation WHERE credential_id = $1 AND closed_at IS NULL`,
      [credentialId],
    );
    if (open)
      return err(
        refusal(
          'conflict',
          'rotation-under-way',
          `The rotation ${open.reference} of this credential is under way.`,
        ),
      );
    const recipe = await this.#recipe(db, subject, input.recipe);
    if (!recipe.ok) return recipe;
    const { key, madeBy, oldFate, overlap } = recipe.value;
    const wanted = await this.#overlap(db, subject, recipe.value, input);
    if (wanted > overlap.most)
      return err(
        refusal(
          'invalid',
          'overlap-too-long',
          `With this recipe both versions work for at most ${overlap.most / HOUR} hours.`,
          {
            fields: [
              { field: '/overlapMinutes', problem: 'is longer than the recipe allows', mend: 'Shorten it.' },
            ],
          },
        ),
      );
    const id = newId();
    const now = this.clock.now();
    const reference = await nextReference(db, 'ROT', now);
    await db.query(
      `INSERT INTO rotation (id, reference, credential_id, integration_id, old_version_id, recipe, made_by, old_fate, emergency,
                             overlap_seconds, overlap_most_seconds, reason, requested_by, opened_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
      [
        id,
        reference,
        credentialId,
        subject.integrationId,
        subject.versionId,
        key,
        madeBy,
        oldFate,
        input.emergency,
        Math.round(wanted / SECOND),
        Math.round(overlap.most / SECOND),
        input.reason,
        by.personId ?? `${by.kind}:${by.id}`,
        new Date(now),
      ],
    );
    const { runId } = await this.runs.start(db, {
      runbook: key,
      subject: { kind: 'rotation', id },
      input: { rotationId: id, oldVersionId: subject.versionId, emergency: input.emergency },
      correlationId: by.correlationId,
      by,
    });
    await db.query(`UPDATE rotation SET run_id = $2 WHERE id = $1`, [id, runId]);
    await this.ledger.append(db, {
      kind: 'rotation.started',
      subject: { kind: 'rotation', id },
      by,
      at: now,
      facts: {
        reference,
        credentialId,
        integrationId: subject.integrationId,
        oldVersionId: subject.versionId,
        recipe: key,
        emergency: input.emergency,
        run: runId,
      },
      committed: { reason: input.reason },
    });
    return ok({ id, reference, runId });
  }

  async #recipe(db: Db, subject: Subject, wanted: string | undefined): Promise<Result<Recipe, Refusal>> {
    if (wanted !== undefined) {
      const recipe = this.recipes.get(wanted);
      if (recipe) return ok(recipe);
      return err(
        refusal('invalid', 'unknown-recipe', 'There is no such recipe.', {
          fields: [
            {
              field: '/recipe',
              problem: 'is no recipe of this installation',
              mend: `Give one of ${this.recipes
                .all()
                .map(({ key }) => key)
                .join(', ')}.`,
            },
          ],
        }),
      );
    }
    const recipe = this.recipes.fitting(subject.kind, await this.issueAbility(db, subject.versionId!));
    return recipe
      ? ok(recipe)
      : err(refusal('conflict', 'no-recipe', 'No recipe of this installation fits this credential.'));
  }

  /** How its supplier makes versions by machine, through the first agreed connection that does. */
  async issueAbility(db: Db, versionId: Id): Promise<'adds' | 'replaces' | 'no'> {
    const loaded = await this.targets.load(db, versionId);
    for (const { connectionId } of loaded?.ways ?? []) {
      if (connectionId === null) continue;
      const { path } = await this.targets.pathTo(db, loaded!.version, connectionId);
      if (path?.connector.issue && path.abilities.issue !== 'no') return path.abilities.issue;
    }
    return 'no';
  }

  async #overlap(db: Db, subject: Subject, recipe: Recipe, input: StartRotation): Promise<number> {
    if (input.emergency) return 0;
    if (input.overlapMinutes !== undefined) return input.overlapMinutes * MINUTE;
    const { overlapHours } = await settingOf(db, subject.integrationId);
    return overlapHours === null ? recipe.overlap.length : Math.min(overlapHours * HOUR, recipe.overlap.most);
  }

  /** The overlap ends now: the old version is revoked at once. */
  cutEarly(id: Id, act: { reason: string; by: Principal }): Promise<Result<void, Refusal>> {
    return this.#on(id, act.by, async (db, row) => {
      if (row.state !== 'overlap')
        return err(
          refusal(
            'conflict',
            'no-overlap',
            `The rotation is ${row.state.replaceAll('_', ' ')}: there is no overlap to cut.`,
          ),
        );
      await this.records.move(db, row, 'cut_early', act.by, {
        overlap_until: this.clock.date(),
        why: act.reason,
      });
      await this.#again(db, row, 'hold-overlap', 'the overlap was cut', act.by);
      await this.#again(db, row, 'revoke-old', 'the overlap was cut', act.by);
      return ok(undefined);
    });
  }

  /** Back to the old version, as long as it was not revoked. */
  rollBack(id: Id, act: { reason: string; by: Principal }): Promise<Result<{ runId: Id }, Refusal>> {
    return this.#on(id, act.by, async (db, row) => {
      if (row.state === 'rolling_back')
        return err(refusal('conflict', 'rolling-back', 'The rotation is being rolled back already.'));
      const moved = await this.records.move(db, row, 'roll_back', act.by, { why: act.reason });
      if (moved.newVersionId !== null && row.state === 'overlap') {
        await this.records.phase(db, moved.newVersionId, 'overlap');
        await this.records.phase(db, moved.oldVersionId, 'active');
      }
      if (row.runId !== null) await this.runs.cancelRun(db, row.runId, act);
      const { runId } = await this.runs.start(db, {
        runbook: ROLL_BACK,
        subject: { kind: 'rotation', id },
        input: { rotationId: id, oldVersionId: row.oldVersionId },
        correlationId: act.by.correlationId,
        by: act.by,
      });
      await db.query(`UPDATE rotation SET roll_back_run_id = $2 WHERE id = $1`, [id, runId]);
      return ok({ runId });
    });
  }

  /** Nothing more is done. What lives, lives on, and an alert says what that is. */
  stop(id: Id, act: { reason: string; by: Principal }): Promise<Result<void, Refusal>> {
    return this.#on(id, act.by, async (db, row) => {
      await this.records.move(db, row, 'stop', act.by, { why: act.reason });
      for (const runId of [row.runId, row.rollBackRunId])
        if (runId !== null) await this.runs.cancelRun(db, runId, act);
      return ok(undefined);
    });
  }

  /** A person made the new version. Its value goes to the vault; or it stays elsewhere, and at most its hash is told. */
  async enterVersion(
    id: Id,
    input: EnterVersion,
    by: Principal,
  ): Promise<Result<{ versionId: Id }, Refusal>> {
    const value = input.value === undefined ? null : Secret.of(input.value);
    try {
      return await this.#on(id, by, async (db, row) => {
        if (row.newVersionId !== null)
          return err(
            refusal(
              'conflict',
              'version-known',
              `The new version of this rotation is on record: version ${row.newNumber}.`,
            ),
          );
        const [open] = (await issuesOf(db, id)).filter(
          ({ state }) => state === 'asked' || state === 'unknown',
        );
        if (open?.state === 'asked')
          return err(
            refusal(
              'conflict',
              'machine-at-work',
              'The supplier was asked by machine just now. Wait for its answer, or stop the rotation.',
            ),
          );
        const made = {
          supplierId: input.supplierId ?? null,
          value,
          sha256: input.sha256,
          expiresAt: input.expiresAt === undefined ? null : (parseInstant(input.expiresAt) ?? null),
        };
        const stored = await this.versions.addNew(db, row, made, by);
        if (!stored.ok) return stored;
        const versionId = stored.value.newVersionId!;
        if (open)
          await settleIssue(
            db,
            open.id,
            { state: 'superseded', why: 'a person entered the version', versionId },
            this.clock.now(),
          );
        const note = `version ${stored.value.newNumber} was entered by a person`;
        for (const step of await this.#waiting(db, row, MAKES))
          await this.runs.settle(db, step, { answer: 'done', output: { versionId }, note }, by);
        return ok({ versionId });
      });
    } finally {
      value?.wipe();
    }
  }

  /** Somebody looked at the supplier whether a request whose answer was lost made a version. */
  settleLost(
    id: Id,
    said: { made: boolean; supplierId?: string | undefined; note: string },
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    return this.#on(id, by, async (db, row) => {
      const open = (await issuesOf(db, id)).find(
        ({ state, versionId }) => state === 'unknown' || (state === 'orphaned' && versionId === null),
      );
      if (!open) return err(refusal('conflict', 'nothing-lost', 'No answer of the supplier is missing.'));
      if (said.made && row.oldFate === 'stays' && said.supplierId === undefined)
        return err(
          refusal('invalid', 'id-needed', 'What was made has to be revoked.', {
            fields: [
              {
                field: '/supplierId',
                problem: 'is missing',
                mend: 'Give the supplier’s id of what was made.',
              },
            ],
          }),
        );
      const now = this.clock.now();
      if (!said.made)
        await settleIssue(db, open.id, { state: 'nothing', why: 'a person looked: nothing was made' }, now);
      else if (row.oldFate === 'dies')
        await settleIssue(
          db,
          open.id,
          { state: 'superseded', why: 'a person looked: it was made, and the next one ends it' },
          now,
        );
      else {
        const supplierId = said.supplierId!;
        const known = await this.versions.addOrphan(
          db,
          row,
          { supplierId, value: null, expiresAt: null },
          by,
        );
        if (!known.ok) return known;
        const why = 'a person looked: it was made, and its value was lost';
        await settleIssue(db, open.id, { state: 'orphaned', why, versionId: known.value, supplierId }, now);
      }
      await this.ledger.append(db, {
        kind: 'rotation.lost-answer-settled',
        subject: { kind: 'rotation', id },
        by,
        at: now,
        facts: {
          credentialId: row.credentialId,
          integrationId: row.integrationId,
          label: open.label,
          made: said.made,
        },
        committed: { note: said.note },
      });
      for (const uses of [MAKES, 'withdraw-version', 'conclude-rotation', 'conclude-roll-back'])
        await this.#again(db, row, uses, 'a person looked at the supplier', by);
      return ok(undefined);
    });
  }

  /** A named person says that the new version works, where no machine can look. */
  confirmWorks(id: Id, said: { note: string }, by: Principal): Promise<Result<void, Refusal>> {
    return this.#on(id, by, async (db, row) => {
      if (by.kind === 'token')
        return err(
          refusal(
            'forbidden',
            'person-needed',
            'This is a person’s word: sign in, or use a token that belongs to an account.',
          ),
        );
      const next = await this.records.may(db, row, 'validate');
      if (!next.ok) return next;
      if (row.validatedAt !== null) return ok(undefined);
      await this.records.move(db, row, 'validate', by, {
        validated_at: this.clock.date(),
        validated_how: 'statement',
        why: said.note,
      });
      await this.#again(db, row, 'validate-version', 'a person says that it works', by);
      return ok(undefined);
    });
  }

  answerPlace(id: Id, locationId: Id, said: PlaceAnswer, by: Principal): Promise<Result<void, Refusal>> {
    if (said.state === 'left' && said.note === '')
      return Promise.resolve(
        err(
          refusal('invalid', 'reason-needed', 'A place that keeps the old version needs a reason.', {
            fields: [{ field: '/note', problem: 'is missing', mend: 'Say why the place is left.' }],
          }),
        ),
      );
    return this.#atomic(by, (db) =>
      this.places.answer(db, id, locationId, { ...said, how: 'statement' }, by),
    );
  }

  async #waiting(db: Db, row: RotationRow, uses: string): Promise<Id[]> {
    const runs = [row.runId, row.rollBackRunId].filter((run) => run !== null);
    const steps = await Promise.all(runs.map((run) => waitingSteps(db, run, { uses })));
    return steps.flat().map(({ id }) => id);
  }

  /** What waits looks again; a step that has moved meanwhile needs no asking. */
  async #again(db: Db, row: RotationRow, uses: string, reason: string, by: Principal): Promise<void> {
    for (const step of await this.#waiting(db, row, uses))
      await this.runs.retryStep(db, step, { reason, by });
  }

  #on<T>(
    id: Id,
    by: Principal,
    work: (db: Db, row: RotationRow) => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    return this.#atomic(by, async (db) => {
      const row = await this.records.hold(db, id);
      return row ? work(db, row) : err(refusal('not_found', 'no-rotation', 'There is no such rotation.'));
    });
  }

  /** A refusal takes everything of its transaction back. */
  async #atomic<T>(
    by: Principal,
    work: (db: Db) => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    try {
      return await this.transactions.run(by, async (db) => {
        const result = await work(db);
        if (!result.ok) throw new Refused(result.error);
        return result;
      });
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}
