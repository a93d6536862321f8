import { z } from 'zod';
import { language, line, paragraph, whole } from '../parties/fields.schema.ts';
import { PATH_KINDS, DUTIES, type Duty } from './matrix.rules.ts';
import type { WantedCell } from './draft.rules.ts';

const id = z.uuid('must be an id');
const duty = z.enum(DUTIES, `must be one of: ${DUTIES.join(', ')}`);
/** An environment, a region, half of the work; empty: the whole duty. */
const part = z.union([z.literal(''), line(120)]).default('');
const MOST_MINUTES = 366 * 24 * 60;

const cellNameSchema = z.strictObject({ duty, part, credentialId: id.nullable().default(null) });

const cellSchema = z
  .strictObject({
    duty,
    part,
    credentialId: id.nullable().default(null).describe('Overrides the row for one credential'),
    accountable: z
      .union([id.transform((one) => [one]), z.array(id).max(20)], 'must be the id of one party')
      .describe('The one party that answers; more than one is refused, with what to do'),
    performing: z.array(id, 'must be a list of party ids').max(20),
    contactId: id.nullable().default(null),
    windowMinutes: whole(0, MOST_MINUTES)
      .nullable()
      .default(null)
      .describe('Within how long, in elapsed minutes'),
    pathKind: z
      .enum(PATH_KINDS)
      .nullable()
      .default(null)
      .describe('Of revocation: by a connector or by asking a contact'),
    note: paragraph(2000).default(''),
  })
  .transform((cell): WantedCell => cell);

export const editMatrixSchema = z
  .strictObject({
    cells: z.array(cellSchema).max(1000).default([]),
    remove: z.array(cellNameSchema).max(1000).default([]),
  })
  .refine(({ cells, remove }) => cells.length + remove.length > 0, 'must set or remove at least one cell')
  .meta({ id: 'EditMatrix' });
export type EditMatrix = z.output<typeof editMatrixSchema>;

export const inheritMatrixSchema = z
  .strictObject({
    template: line(80).optional(),
    fromIntegrationId: id.optional(),
    replace: z.boolean().default(false).describe('Also where the draft says something else already'),
  })
  .refine(
    ({ template, fromIntegrationId }) => (template === undefined) !== (fromIntegrationId === undefined),
    'must name either a template or an integration',
  )
  .meta({ id: 'InheritMatrix' });
export type InheritMatrix = z.output<typeof inheritMatrixSchema>;

export const proposeMatrixSchema = z
  .strictObject({
    reattestDays: whole(1, 1830).optional().describe('Signatures are given anew after this many days; 365'),
    invite: z
      .boolean()
      .default(true)
      .describe('Mail a link to a contact of every other party that must sign'),
  })
  .meta({ id: 'ProposeMatrix' });
export type ProposeMatrix = z.output<typeof proposeMatrixSchema>;

const hash = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits');
export const signsFor = line(200).describe('Name and position: on whose behalf, and by what authority');

export const attestSchema = z
  .strictObject({
    signsFor,
    contentHash: hash,
    textHash: hash,
    language,
    code: z.string().max(20).optional().describe('From the mail to the registered address'),
  })
  .meta({ id: 'AttestMatrix' });
export type Attest = z.output<typeof attestSchema>;

export const attestOfflineSchema = z
  .strictObject({
    keyId: id,
    signsFor,
    language,
    signature: z
      .base64('must be base64')
      .length(88, 'must be the 64 bytes of an Ed25519 signature in base64')
      .describe('Over the bytes of the document, Ed25519 (RFC 8032)'),
  })
  .meta({ id: 'AttestMatrixOffline' });
export type AttestOffline = z.output<typeof attestOfflineSchema>;

export const paperQuery = z.strictObject({
  contactId: id,
  signsFor,
  language: language.default('en'),
});
export type Paper = z.output<typeof paperQuery>;

export const sendBackSchema = z
  .strictObject({
    comments: z
      .array(
        z.strictObject({
          duty: duty.nullable().default(null),
          part,
          credentialId: id.nullable().default(null),
          text: line(2000),
        }),
        'must be a list of comments',
      )
      .min(1, 'must have at least one comment')
      .max(100),
  })
  .meta({ id: 'SendBackMatrix' });
export type SendBack = z.output<typeof sendBackSchema>;

export const withdrawSchema = z.strictObject({ reason: line(2000) }).meta({ id: 'WithdrawSignature' });

export const signingKeySchema = z
  .strictObject({
    publicKey: z.string().max(2000).describe('Ed25519, SubjectPublicKeyInfo as PEM or a line of OpenSSH'),
  })
  .meta({ id: 'RegisterSigningKey' });

/** A file of `templates/matrices`: who answers for what, by role. */
export const matrixTemplateSchema = z.strictObject({
  matrix: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/, 'must be lower-case words joined by hyphens'),
  title: line(200),
  version: whole(1, 1_000_000),
  description: paragraph(2000).default(''),
  duties: z.partialRecord(
    z.enum(DUTIES),
    z.union([templateRow(), z.array(templateRow()).min(1).max(50)]).transform((rows) => [rows].flat()),
  ),
});
export type MatrixTemplate = z.output<typeof matrixTemplateSchema>;
export type TemplateRow = NonNullable<MatrixTemplate['duties'][Duty]>[number];

function templateRow() {
  const role = z.enum(['supplier', 'customer', 'sub_processor']);
  return z.strictObject({
    part,
    accountable: z.enum(['supplier', 'customer']),
    performing: z.array(role).min(1).max(10),
    contact: z.enum(['security', 'contract', 'on_call']).default('security'),
    window: z
      .string()
      .regex(/^[1-9]\d{0,5}[mhd]$/, 'must be minutes, hours or days, like 30m, 4h or 2d')
      .transform(
        (text) => Number(text.slice(0, -1)) * { m: 1, h: 60, d: 1440 }[text.at(-1) as 'm' | 'h' | 'd'],
      )
      .nullable()
      .default(null),
    path: z.enum(PATH_KINDS).nullable().default(null),
    note: paragraph(2000).default(''),
  });
}
