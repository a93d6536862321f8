import { z } from 'zod';

const id = z.uuid();
const text = (most: number) => z.string().trim().min(1).max(most);

const said = {
  kind: z.enum(['revoked', 'replaced', 'copy_gone', 'sessions_ended', 'not_affected']),
  subjectKind: z.enum(['credential_version', 'location']),
  subjectId: id,
  versionId: id.optional().describe('For a copy: of which version'),
  signsFor: text(200).describe('Name and position, as the person writes them'),
  text: text(4000),
};
type Said = { kind: string; subjectKind: string; versionId?: string | undefined };
const fitsItsSubject = (one: Said) => (one.kind === 'copy_gone') === (one.subjectKind === 'location');
const ITS_SUBJECT = {
  message: 'copy_gone is said of a location, everything else of a credential_version',
  path: ['subjectKind'],
};
const namesItsVersion = (one: Said) => one.kind !== 'copy_gone' || one.versionId !== undefined;
const ITS_VERSION = { message: 'say of which version the copy was', path: ['versionId'] };

/** What a person signs: that a credential was revoked or replaced, its sessions ended, or a copy removed. */
export const statementSchema = z
  .strictObject({
    ...said,
    strength: z.enum(['mailbox', 'second_channel', 'account_mfa', 'detached_signature', 'account']),
    contactId: id.optional(),
  })
  .refine(fitsItsSubject, ITS_SUBJECT)
  .refine(namesItsVersion, ITS_VERSION)
  .meta({ id: 'StatementInput' });

/** The same over the API: how strong the signature is follows from how the signer came in, not from what they say. */
export const signSchema = z
  .strictObject(said)
  .refine(fitsItsSubject, ITS_SUBJECT)
  .refine(namesItsVersion, ITS_VERSION)
  .meta({ id: 'NewStatement' });

export const signedSchema = z
  .object({ id, textHash: z.string().describe('Lower-case hex SHA-256 of the text') })
  .meta({ id: 'Statement' });

export type StatementInput = z.infer<typeof statementSchema>;

export const riskAcceptanceSchema = z
  .strictObject({
    subjectKind: z.enum(['credential_version', 'location']),
    subjectId: id,
    incidentId: id.optional(),
    reason: text(2000),
    until: z.iso.datetime({ offset: true }),
  })
  .meta({ id: 'RiskAcceptanceInput' });

export const riskAnswerSchema = z
  .object({
    state: z.enum(['asked', 'accepted']).describe('asked: a second person has to accept it'),
    id,
  })
  .meta({ id: 'RiskAnswer' });

export const endedRiskRequestSchema = z
  .object({
    state: z.enum(['withdrawn', 'refused']).describe('withdrawn: by who asked; refused: by a second person'),
    id,
  })
  .meta({ id: 'EndedRiskRequest' });

export const riskReasonSchema = z.strictObject({ reason: text(2000) }).meta({ id: 'RiskReason' });

export type RiskAcceptanceInput = z.infer<typeof riskAcceptanceSchema>;
