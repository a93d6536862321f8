import { z } from 'zod';
import { line } from '../parties/fields.schema.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { STRENGTHS } from './acknowledgement.rules.ts';
import type { AttemptView, NoticeView } from './notices.queries.ts';

const instant = z.iso.datetime();

/** A notice as the API shows it. */
export const noticeSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    integration: z.object({ id: z.uuid(), name: z.string() }),
    party: z.object({ id: z.uuid(), name: z.string() }),
    contact: z.string().nullable(),
    subjectId: z.uuid().describe('Usually a case'),
    category: z.string(),
    trigger: z.string(),
    startAt: instant,
    dueAt: instant.nullable().describe('null: without undue delay'),
    dueWhy: z.string(),
    warnAt: instant.nullable(),
    escalateAt: instant.nullable(),
    warnedAt: instant.nullable(),
    escalatedAt: instant.nullable(),
    fulfilledBy: z.enum(['dispatched', 'accepted_by_peer', 'received', 'acknowledged']),
    obligation: z.enum(['required', 'not_required', 'superseded', 'withheld']),
    dispatch: z.enum(['owed', 'attempting', 'accepted', 'failed']),
    receipt: z.enum(['none', 'bounced', 'delivered', 'acknowledged']),
    timeliness: z.enum(['open', 'met', 'missed']),
    attempts: z.int(),
    acceptedAt: instant.nullable(),
    fulfilledAt: instant.nullable(),
    acknowledgedAt: instant.nullable(),
    acknowledgementStrength: z.enum(STRENGTHS).nullable(),
    leastStrength: z
      .enum(STRENGTHS)
      .describe('A weaker acknowledgement is on record and leaves the duty open'),
    weakerAcknowledgement: z.enum(STRENGTHS).nullable().describe('One that was too weak, where none stands'),
    nextAttemptAt: instant.nullable(),
    lastAnswer: z.string().nullable(),
    messageId: z.string(),
    text: z.string().nullable().describe('As first sent, without the link'),
    textHash: z.string().nullable().describe('SHA-256 of the text'),
    told: z.int().describe('How often it is told: more than once where nobody answered, or nothing followed'),
    createdAt: instant,
  })
  .meta({ id: 'Notice' });

export const noticeAttemptSchema = z
  .object({
    number: z.int(),
    channel: z.string(),
    address: z.string(),
    startedAt: instant,
    endedAt: instant.nullable(),
    outcome: z.string(),
    peerAnswer: z.string(),
    possiblyTwice: z.boolean(),
    bounce: z.string().nullable().describe('What the peer said after it had taken the message'),
    bouncedAt: instant.nullable(),
  })
  .meta({ id: 'NoticeAttempt' });

export const noticeWithAttemptsSchema = noticeSchema
  .extend({ deliveries: z.array(noticeAttemptSchema) })
  .meta({ id: 'NoticeWithAttempts' });

/** What a person says who acknowledges a notice for their party. */
export const acknowledgeSchema = z
  .strictObject({
    name: line(120),
    code: line(12).describe('Six digits that stand in the message beside its link'),
    textHash: z
      .string()
      .regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')
      .describe('SHA-256 of the text that was read'),
    nextAction: line(500).optional(),
    secondCode: line(12).optional().describe('Eight digits that came by a second channel'),
    signature: z
      .string()
      .max(4000)
      .optional()
      .describe(
        'Over the document of the notice, with a key of a contact of the party: Ed25519 in base64, or as ssh-keygen -Y sign writes it',
      ),
  })
  .meta({ id: 'Acknowledge' });
export const acknowledgedSchema = z
  .object({
    late: z.boolean().describe('After the notice was due'),
    strength: z.enum(STRENGTHS),
    enough: z
      .boolean()
      .describe('false: it is on record, and the duty stays open until a stronger one comes'),
  })
  .meta({ id: 'Acknowledged' });

const at = (millis: Millis | null): string | null => (millis === null ? null : iso(millis));

export function viewOfNotice(row: NoticeView): z.infer<typeof noticeSchema> {
  const { integrationId, integrationName, partyId, partyName, contactName, ...rest } = row;
  return {
    ...rest,
    integration: { id: integrationId, name: integrationName },
    party: { id: partyId, name: partyName },
    contact: contactName,
    startAt: iso(row.startAt),
    dueAt: at(row.dueAt),
    warnAt: at(row.warnAt),
    escalateAt: at(row.escalateAt),
    warnedAt: at(row.warnedAt),
    escalatedAt: at(row.escalatedAt),
    acceptedAt: at(row.acceptedAt),
    fulfilledAt: at(row.fulfilledAt),
    acknowledgedAt: at(row.acknowledgedAt),
    nextAttemptAt: at(row.nextAttemptAt),
    createdAt: iso(row.createdAt),
  };
}

export function viewOfAttempt(row: AttemptView): z.infer<typeof noticeAttemptSchema> {
  return {
    ...row,
    startedAt: iso(row.startedAt),
    endedAt: at(row.endedAt),
    bouncedAt: at(row.bouncedAt),
  };
}
