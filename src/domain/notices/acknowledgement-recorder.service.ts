import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { findAnswerable, type AnswerableNotice } from './acknowledgement.queries.ts';
import {
  isEnough,
  oneLined,
  STRENGTHS,
  type Proof,
  type Strength,
  type TypedAcknowledgement,
} from './acknowledgement.rules.ts';
import { ACKNOWLEDGED_FOR, ACKNOWLEDGED_WITHOUT_ACTION_FOR, isFulfilled } from './notice.rules.ts';
import { noticeAcknowledged } from './notices.events.ts';

/** What became of an acknowledgement. */
export interface Acknowledged {
  late: boolean;
  strength: Strength;
  /** False: it is on record, and the duty stays open until a stronger one comes. */
  enough: boolean;
}

/** Writes down that somebody answered, in the caller's transaction; and what that means for the duty. */
@Injectable()
export class AcknowledgementRecorder {
  constructor(
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
  ) {}

  /** @param recordedBy who of the operator wrote it down for the recipient, where one did */
  async record(
    db: Db,
    noticeId: Id,
    typed: Pick<TypedAcknowledgement, 'name' | 'textHash' | 'nextAction'>,
    proof: Proof,
    by: Principal,
    recordedBy: string | null = null,
  ): Promise<Acknowledged> {
    const now = this.clock.now();
    const row = (await findAnswerable(db, noticeId, STRENGTHS, { locked: true }))!;
    const late = row.due_at !== null && now > row.due_at.getTime();
    const enough = isEnough(proof.strength, row.least_strength);
    const answer: Acknowledged = { late, strength: proof.strength, enough };
    const nextAction = typed.nextAction === undefined ? '' : oneLined(typed.nextAction).slice(0, 500);
    // One that stands is not replaced; of those that are too weak, each strength is written down once.
    const inserted: unknown[] = await db.query(
      `INSERT INTO acknowledgement (id, notice_id, party_id, user_id, typed_name, text_hash, strength, late, at, next_action, next_action_at,
                                    effective, channel, recorded_by, signing_key_id, signature)
       SELECT $1::uuid, $2::uuid, $3::uuid, $4::uuid, $5::text, $6::bytea, $7::text, $8::boolean, $9::timestamptz, $10::text, $11::timestamptz,
              $12::boolean, $13::text, $14::text, $15::uuid, $16::text
        WHERE $12::boolean OR NOT EXISTS (SELECT 1 FROM acknowledgement WHERE notice_id = $2 AND (effective OR strength = $7))
       ON CONFLICT (notice_id) WHERE effective DO NOTHING RETURNING id`,
      [
        newId(),
        row.id,
        row.party_id,
        by.kind === 'user' && recordedBy === null ? by.id : null,
        oneLined(typed.name),
        Buffer.from(typed.textHash, 'hex'),
        proof.strength,
        late,
        iso(now),
        nextAction || null,
        nextAction ? iso(now) : null,
        enough,
        proof.channel,
        recordedBy,
        proof.signed?.keyId ?? null,
        proof.signed?.signature ?? null,
      ],
    );
    if (inserted.length === 0) return answer;
    if (enough) await this.#answered(db, row, nextAction !== '');
    else await this.#read(db, row);
    await this.ledger.append(db, {
      kind: enough ? 'notice.acknowledged' : 'notice.acknowledged_too_weakly',
      subject: { kind: 'notice', id: row.id },
      by,
      at: now,
      facts: {
        reference: row.reference,
        contact: by.kind === 'link' ? by.id : null,
        strength: proof.strength,
        leastStrength: row.least_strength,
        channel: proof.channel,
        signingKey: proof.signed?.keyId ?? null,
        signature: proof.signed?.signature ?? null,
        textHash: typed.textHash,
        late,
        first: row.acknowledged_at === null,
        nextAction: nextAction !== '',
      },
      committed: { typedName: oneLined(typed.name), ...(nextAction && { nextAction }) },
    });
    if (enough) await this.outbox.put(db, noticeAcknowledged, { noticeId: row.id });
    return answer;
  }

  async #answered(db: Db, row: AnswerableNotice, followed: boolean): Promise<void> {
    const now = this.clock.now();
    const fulfilled = row.fulfilled_at === null && isFulfilled(row.fulfilled_by, 'accepted', 'acknowledged');
    // Of what no term asks for, the answer itself is all that was wanted.
    const lapsesAt =
      row.term_id === null ? null : now + (followed ? ACKNOWLEDGED_FOR : ACKNOWLEDGED_WITHOUT_ACTION_FOR);
    await db.query(
      `UPDATE notice SET receipt = 'acknowledged', acknowledged_at = coalesce(acknowledged_at, $2),
              fulfilled_at = CASE WHEN $3 THEN $2 ELSE fulfilled_at END,
              dispatch = CASE WHEN dispatch IN ('owed', 'attempting') AND accepted_at IS NOT NULL THEN 'accepted' ELSE dispatch END,
              next_clock_at = CASE WHEN timeliness = 'open' THEN $2 ELSE $4::timestamptz END,
              acknowledgement_lapses_at = $4, updated_at = $2, row_version = row_version + 1
       WHERE id = $1`,
      [row.id, iso(now), fulfilled, lapsesAt === null ? null : iso(lapsesAt)],
    );
  }

  /** Somebody has read it, and that is all: whoever was to be reached is not proven to be who they say. */
  async #read(db: Db, row: AnswerableNotice): Promise<void> {
    const fulfilled = row.fulfilled_at === null && isFulfilled(row.fulfilled_by, 'accepted', 'delivered');
    await db.query(
      `UPDATE notice SET receipt = CASE WHEN receipt IN ('none', 'bounced') THEN 'delivered' ELSE receipt END,
              fulfilled_at = CASE WHEN $3 THEN $2 ELSE fulfilled_at END,
              next_clock_at = CASE WHEN $3 THEN $2 ELSE next_clock_at END, updated_at = $2, row_version = row_version + 1
       WHERE id = $1`,
      [row.id, iso(this.clock.now()), fulfilled],
    );
  }
}
