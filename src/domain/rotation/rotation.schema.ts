import { z } from 'zod';
import { instant, line, oneOf, paragraph, sha256, whole, zone } from '../parties/fields.schema.ts';
import { OLD_ENDS, OLD_FATES, ROTATION_STATES } from './rotation.rules.ts';

const at = z.iso.datetime();

export const startRotationSchema = z
  .strictObject({
    recipe: line(60).optional().describe('Left out: the one that fits its kind and its supplier'),
    emergency: z.boolean().default(false).describe('The old version ends as soon as the new one works'),
    overlapMinutes: whole(0, 527_040)
      .optional()
      .describe('How long both are to work; left out: as its integration or recipe has it'),
    reason: line(1000),
  })
  .meta({ id: 'StartRotation' });
export type StartRotation = z.output<typeof startRotationSchema>;

export const rotationActSchema = z.strictObject({ reason: line(1000) }).meta({ id: 'RotationAct' });

export const enterVersionSchema = z
  .strictObject({
    supplierId: line(500).optional().describe("The supplier's own id for the new version"),
    expiresAt: instant.optional(),
    value: z
      .string()
      .min(1)
      .max(65_536)
      .optional()
      .describe('Goes to the vault; left out: it stays elsewhere'),
    sha256: sha256.optional().describe('Where the value stays elsewhere: what it is recognised by'),
  })
  .refine((entered) => entered.value === undefined || entered.sha256 === undefined, {
    path: ['value'],
    message: 'must not stand beside sha256',
  })
  .refine((entered) => Object.values(entered).some((value) => value !== undefined), {
    message: 'must say something of the version: its id, its value or its hash',
    path: ['supplierId'],
  })
  .meta({ id: 'EnterRotatedVersion' });
export type EnterVersion = z.output<typeof enterVersionSchema>;

export const lostAnswerSchema = z
  .strictObject({
    made: z.boolean().describe('Whether the supplier made a version though its answer was lost'),
    supplierId: line(500).optional(),
    note: line(1000),
  })
  .meta({ id: 'LostAnswer' });

export const worksSchema = z.strictObject({ note: line(1000) }).meta({ id: 'RotatedVersionWorks' });

export const placeAnswerSchema = z
  .strictObject({
    state: oneOf(['holds_new', 'left', 'taken_back'] as const).describe(
      'taken_back: the old version again, when a rotation is rolled back',
    ),
    note: paragraph(1000).default(''),
  })
  .meta({ id: 'RotationPlaceAnswer' });
export type PlaceAnswer = z.output<typeof placeAnswerSchema>;

const time = z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, 'must be a time such as 22:00');
export const rotationSettingSchema = z
  .strictObject({
    automatic: z.boolean().describe('Rotations are opened when they are due; else an alert says so'),
    leadDays: whole(0, 90).describe('How long before it is due'),
    overlapHours: whole(1, 8784).nullable().describe('null: as the recipe has it'),
    windows: z
      .array(
        z.strictObject({
          days: z.array(z.int().min(1).max(7)).min(1).max(7).describe('Monday 1 to Sunday 7'),
          from: time,
          until: time.describe('Not after from: past midnight'),
        }),
      )
      .max(20)
      .describe('Maintenance; none: any time'),
    zone: zone.describe('IANA name of the time zone of the windows'),
  })
  .meta({ id: 'RotationSettingInput' });
export type RotationSettingInput = z.output<typeof rotationSettingSchema>;
export const rotationSettingViewSchema = rotationSettingSchema
  .extend({ rowVersion: z.int() })
  .meta({ id: 'RotationSetting' });

export const recipeSchema = z
  .object({
    key: z.string(),
    title: z.string(),
    madeBy: z.enum(['machine', 'person']),
    oldFate: z.enum(OLD_FATES).describe('dies: the old version ends as the new one is made'),
    kinds: z.array(z.string()).readonly(),
    says: z.string().describe('What is to be known before it begins'),
    overlap: z.object({ length: z.number(), most: z.number() }).describe('Milliseconds'),
  })
  .meta({ id: 'RotationRecipe' });

const version = z.object({
  id: z.uuid(),
  number: z.int(),
  phase: z.string(),
  supplierId: z.string().nullable(),
  activatedAt: at.nullable(),
  retiredAt: at.nullable(),
  expiresAt: at.nullable(),
  liveness: z.string().nullable(),
  revocation: z.string().nullable(),
});
export const rotationLineSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    credential: z.object({ id: z.uuid(), reference: z.string(), name: z.string() }),
    integration: z.object({ id: z.uuid(), name: z.string().nullable() }),
    recipe: z.string(),
    madeBy: z.enum(['machine', 'person']),
    oldFate: z.enum(OLD_FATES),
    state: z.enum(ROTATION_STATES),
    emergency: z.boolean(),
    oldStanding: z.string().describe('Where the old version stands, in words'),
    overlapUntil: at.nullable(),
    oldEnd: z.enum(OLD_ENDS).nullable(),
    openedAt: at,
    closedAt: at.nullable(),
    behind: z.int().describe('Places that hold the old version, and nobody has said why'),
  })
  .meta({ id: 'RotationLine' });
export type RotationLine = z.infer<typeof rotationLineSchema>;

export const rotationSchema = rotationLineSchema
  .extend({
    runId: z.uuid().nullable(),
    rollBackRunId: z.uuid().nullable(),
    reason: z.string(),
    why: z.string(),
    storedAt: at.nullable(),
    validatedAt: at.nullable(),
    validatedHow: z.enum(['probe', 'statement']).nullable(),
    revokingAt: at.nullable(),
    oldEndedAt: at.nullable(),
    overlapMinutes: z.number(),
    old: version,
    new: version.nullable(),
    places: z.array(
      z.object({
        locationId: z.uuid(),
        name: z.string(),
        kind: z.string(),
        path: z.string(),
        owner: z.string().nullable(),
        holds: z.enum(['old', 'new', 'unknown', 'other']),
        answer: z.enum(['holds_new', 'left', 'taken_back']).nullable(),
        how: z.enum(['statement', 'seen', 'store']).nullable(),
        note: z.string(),
        at: at.nullable(),
        lastUsedAt: at
          .nullable()
          .describe('As usage was reported; null: never reported, which is not never used'),
      }),
    ),
    issues: z.array(
      z.object({
        label: z.string(),
        state: z
          .string()
          .describe('Of a request to the supplier; refused: a machine saw the new version refused'),
        askedAt: at,
        settledAt: at.nullable(),
        supplierId: z.string().nullable(),
        why: z.string(),
      }),
    ),
  })
  .meta({ id: 'Rotation' });
export type RotationView = z.infer<typeof rotationSchema>;
