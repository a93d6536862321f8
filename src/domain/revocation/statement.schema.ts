import { z } from 'zod';

const id = z.uuid();
const text = (most: number) => z.string().trim().min(1).max(most);

/** What a person signs: that a credential was revoked or replaced, its sessions ended, or a copy removed. */
export const statementSchema = z
  .strictObject({
    kind: z.enum(['revoked', 'replaced', 'copy_gone', 'sessions_ended', 'not_affected']),
    subjectKind: z.enum(['credential_version', 'location']),
    subjectId: id,
    /** For a copy: of which version. */
    versionId: id.optional(),
    /** Name and position, as the person writes them. */
    signsFor: text(200),
    text: text(4000),
    strength: z.enum(['mailbox', 'second_channel', 'account_mfa', 'detached_signature', 'account']),
    contactId: id.optional(),
  })
  .refine((one) => (one.kind === 'copy_gone') === (one.subjectKind === 'location'), {
    message: 'copy_gone is said of a location, everything else of a credential_version',
    path: ['subjectKind'],
  })
  .refine((one) => one.kind !== 'copy_gone' || one.versionId !== undefined, {
    message: 'say of which version the copy was',
    path: ['versionId'],
  })
  .meta({ id: 'StatementInput' });

export type StatementInput = z.infer<typeof statementSchema>;

export const riskAcceptanceSchema = z
  .strictObject({
    subjectKind: z.enum(['credential_version', 'location']),
    subjectId: id,
    incidentId: id.optional(),
    /** The user who asked for it; cannot be the one who accepts. */
    requestedBy: id,
    reason: text(2000),
    until: z.iso.datetime({ offset: true }),
  })
  .meta({ id: 'RiskAcceptanceInput' });

export type RiskAcceptanceInput = z.infer<typeof riskAcceptanceSchema>;
