import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { HOUR, MINUTE, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { Targets } from '../revocation/targets.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { InUse } from './in-use.service.ts';
import { fitsKind, Recipes, type Recipe } from './recipes.ts';
import { RotationActs } from './rotation-acts.service.ts';
import { RotationRecords } from './rotation-records.service.ts';
import type { OldFate } from './rotation.rules.ts';
import type { StartRotation } from './rotation.schema.ts';
import { settingOf } from './settings.queries.ts';

const ROLL_BACK = 'rotation-roll-back';

const NO_OVERLAP = refusal('invalid', 'emergency-without-overlap', 'An emergency has no overlap.', {
  fields: [
    {
      field: '/overlapMinutes',
      problem: 'stands beside emergency, which ends the old version as soon as the new one works',
      mend: 'Leave it out, or leave emergency out.',
    },
  ],
});

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
    private readonly acts: RotationActs,
    private readonly records: RotationRecords,
    private readonly recipes: Recipes,
    private readonly targets: Targets,
    private readonly inUse: InUse,
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
    return this.acts.atomic(by, (db) => this.begin(db, credentialId, input, by));
  }

  /** The same in the caller's transaction. */
  async begin(
    db: Db,
    credentialId: Id,
    input: StartRotation,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string; runId: Id }, Refusal>> {
    if (input.emergency && input.overlapMinutes !== undefined) return err(NO_OVERLAP);
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
    const other = this.#ofAnotherKind(subject.kind, recipe.value);
    if (other) return err(other);
    const unable = madeBy === 'machine' ? await this.#unable(db, subject, oldFate) : null;
    if (unable) return err(unable);
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

  /** Why a recipe is not for a kind of credential; null: it is. */
  #ofAnotherKind(kind: string, recipe: Recipe): Refusal | null {
    if (fitsKind(recipe, kind)) return null;
    const fitting = this.recipes.all().filter((one) => fitsKind(one, kind));
    const says = kind.replaceAll('_', ' ');
    return refusal(
      'invalid',
      'recipe-of-another-kind',
      `The recipe ${recipe.key} is not for this kind of credential.`,
      {
        fields: [
          {
            field: '/recipe',
            problem: `is for ${recipe.kinds.join(', ').replaceAll('_', ' ')}, and this is ${says}`,
            mend: `Give one of ${fitting.map(({ key }) => key).join(', ')}, or leave it out.`,
          },
        ],
      },
    );
  }

  /** Why no machine can make a version as a recipe wants it; null: one can. What would wait for ever is not begun. */
  async #unable(db: Db, subject: Subject, oldFate: OldFate): Promise<Refusal | null> {
    const abilities = await this.#abilities(db, subject.versionId!);
    if (abilities.includes(oldFate === 'stays' ? 'adds' : 'replaces')) return null;
    const able = abilities[0] ?? 'no';
    const instead = this.recipes.fitting(subject.kind, able);
    const why =
      able === 'no'
        ? 'no connection that is agreed for the credential can make a version'
        : `its supplier makes versions that ${able === 'adds' ? 'work beside the old one' : 'replace the old one'}`;
    return refusal(
      'conflict',
      'cannot-be-made',
      'By this recipe a machine makes the new version, and none can.',
      {
        fields: [
          {
            field: '/recipe',
            problem: why,
            mend: `${instead ? `Take the recipe ${instead.key}, or leave it out` : 'Take a recipe by which a person makes the version'}${able === 'no' ? '; or set a connection that can, and agree it as a path' : ''}.`,
          },
        ],
      },
    );
  }

  /** How its supplier makes versions by machine, through the first agreed connection that does. */
  async issueAbility(db: Db, versionId: Id): Promise<'adds' | 'replaces' | 'no'> {
    return (await this.#abilities(db, versionId))[0] ?? 'no';
  }

  /** Of each agreed connection that makes versions, in their order. */
  async #abilities(db: Db, versionId: Id): Promise<('adds' | 'replaces')[]> {
    const able: ('adds' | 'replaces')[] = [];
    const loaded = await this.targets.load(db, versionId);
    for (const { connectionId } of loaded?.ways ?? []) {
      if (connectionId === null) continue;
      const { path } = await this.targets.pathTo(db, loaded!.version, connectionId);
      if (path?.connector.issue && path.abilities.issue !== 'no') able.push(path.abilities.issue);
    }
    return able;
  }

  async #overlap(db: Db, subject: Subject, recipe: Recipe, input: StartRotation): Promise<number> {
    if (input.emergency) return 0;
    if (input.overlapMinutes !== undefined) return input.overlapMinutes * MINUTE;
    const { overlapHours } = await settingOf(db, subject.integrationId);
    return overlapHours === null ? recipe.overlap.length : Math.min(overlapHours * HOUR, recipe.overlap.most);
  }

  /** The overlap ends now: the old version is revoked at once. */
  cutEarly(id: Id, act: { reason: string; by: Principal }): Promise<Result<void, Refusal>> {
    return this.acts.on(id, act.by, async (db, row) => {
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
      await this.acts.again(db, row, 'hold-overlap', 'the overlap was cut', act.by);
      await this.acts.again(db, row, 'revoke-old', 'the overlap was cut', act.by);
      return ok(undefined);
    });
  }

  /** Back to the old version, as long as it was not revoked. */
  rollBack(id: Id, act: { reason: string; by: Principal }): Promise<Result<{ runId: Id }, Refusal>> {
    return this.acts.on(id, act.by, async (db, row) => {
      if (row.state === 'rolling_back')
        return err(refusal('conflict', 'rolling-back', 'The rotation is being rolled back already.'));
      const moved = await this.records.move(db, row, 'roll_back', act.by, { why: act.reason });
      if (moved.newVersionId !== null && row.state === 'overlap') {
        await this.records.phase(db, moved.newVersionId, 'overlap');
        await this.records.phase(db, moved.oldVersionId, 'active');
        await this.inUse.follow(db, moved, 'old', act.by);
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
    return this.acts.on(id, act.by, async (db, row) => {
      await this.records.move(db, row, 'stop', act.by, { why: act.reason });
      for (const runId of [row.runId, row.rollBackRunId])
        if (runId !== null) await this.runs.cancelRun(db, runId, act);
      return ok(undefined);
    });
  }
}
