import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Secret } from '../../kernel/secret.ts';
import { parseInstant } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { RunsService } from '../runbooks/runs.service.ts';
import { Corrections, known } from './corrections.service.ts';
import { issuesOf, settleIssue } from './issues.queries.ts';
import { waitsForAnother } from './new-version.queries.ts';
import { NewVersions } from './new-versions.service.ts';
import { PlacesService } from './places.service.ts';
import { MAKES } from './recipes.ts';
import { RotationActs } from './rotation-acts.service.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import type { EnterVersion, PlaceAnswer } from './rotation.schema.ts';

const ANOTHER = refusal(
  'conflict',
  'second-person-needed',
  'You entered this version, and no machine has seen it accepted: a second person has to use it and say that it works.',
);

/** What people tell a rotation that no machine can see. */
@Injectable()
export class RotationWords {
  constructor(
    private readonly acts: RotationActs,
    private readonly records: RotationRecords,
    private readonly versions: NewVersions,
    private readonly corrections: Corrections,
    private readonly places: PlacesService,
    private readonly runs: RunsService,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /**
   * A person made the new version. Its value goes to the vault; or it stays elsewhere, and at most its hash is told. Entered
   * again with another value, it is corrected.
   */
  async enterVersion(
    id: Id,
    input: EnterVersion,
    by: Principal,
  ): Promise<Result<{ versionId: Id }, Refusal>> {
    const value = input.value === undefined ? null : Secret.of(input.value);
    try {
      return await this.acts.on(id, by, async (db, row) => {
        if (row.newVersionId !== null)
          return this.#correct(db, { ...row, newVersionId: row.newVersionId }, input, value, by);
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
          stated: true as const,
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
        for (const step of await this.acts.waiting(db, row, MAKES))
          await this.runs.settle(db, step, { answer: 'done', output: { versionId }, note }, by);
        return ok({ versionId });
      });
    } finally {
      value?.wipe();
    }
  }

  /** The version is on record: the same one again, with another value, corrects what was entered. */
  async #correct(
    db: Db,
    row: RotationRow & { newVersionId: Id },
    input: EnterVersion,
    value: Secret | null,
    by: Principal,
  ): Promise<Result<{ versionId: Id }, Refusal>> {
    if (value === null || input.expiresAt !== undefined)
      return err(known(row, 'Its value alone can be corrected.'));
    const done = await this.corrections.correct(db, row, { supplierId: input.supplierId ?? null, value }, by);
    if (!done.ok) return done;
    if (done.value.changed) await this.acts.again(db, row, 'validate-version', 'its value was corrected', by);
    return ok({ versionId: row.newVersionId });
  }

  /** Somebody looked at the supplier whether a request whose answer was lost made a version. */
  settleLost(
    id: Id,
    said: { made: boolean; supplierId?: string | undefined; note: string },
    by: Principal,
  ): Promise<Result<void, Refusal>> {
    return this.acts.on(id, by, async (db, row) => {
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
        await this.acts.again(db, row, uses, 'a person looked at the supplier', by);
      return ok(undefined);
    });
  }

  /**
   * A named person says that the new version works, where no machine can look. Where nothing but people vouches for it,
   * that is another person than whoever entered it.
   */
  confirmWorks(id: Id, said: { note: string }, by: Principal): Promise<Result<void, Refusal>> {
    return this.acts.on(id, by, async (db, row) => {
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
      if (await waitsForAnother(db, id, by)) return err(ANOTHER);
      await this.records.move(db, row, 'validate', by, {
        validated_at: this.clock.date(),
        validated_how: 'statement',
        why: said.note,
      });
      await this.acts.again(db, row, 'validate-version', 'a person says that it works', by);
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
    return this.acts.atomic(by, (db) =>
      this.places.answer(db, id, locationId, { ...said, how: 'statement' }, by),
    );
  }
}
