import { z } from 'zod';
import { NEEDED_FOR } from '../revocation/value-needs.rules.ts';

/** Versions that one mass revocation holds at most. */
export const MOST_VERSIONS = 20_000;

const text = (most: number) => z.string().trim().min(1).max(most);

/**
 * What is revoked together. A *group* is what credentials share on record: an environment, a type, or how their names or
 * external keys begin. Several conditions narrow each other.
 */
export const selectionSchema = z
  .strictObject({
    supplierPartyId: z.uuid().optional().describe('Issued or verified by this party'),
    integrationId: z.uuid().optional().describe('Used by this integration, at home there or not'),
    environment: text(60).optional(),
    type: text(120).optional(),
    prefix: text(200).optional().describe('How the name or external key begins'),
    riskAtLeast: z.int().min(0).max(1000).optional(),
  })
  .refine((selection) => Object.values(selection).some((value) => value !== undefined), {
    error: 'must name at least one condition: nothing selects everything',
  })
  .meta({ id: 'MassRevocationSelection' });
export type Selection = z.output<typeof selectionSchema>;

export const askMassRevocationSchema = z
  .strictObject({
    selection: selectionSchema,
    reason: text(2000),
    force: z
      .boolean()
      .default(false)
      .describe('Go on where a replacement or an approval would be waited for; needs revocations:force'),
  })
  .meta({ id: 'AskMassRevocation' });
export type AskMassRevocation = z.output<typeof askMassRevocationSchema>;

export const approveMassRevocationSchema = z
  .strictObject({
    versions: z.int().min(1).describe('How many versions are left: what you approve is what you saw'),
  })
  .meta({ id: 'ApproveMassRevocation' });

export const massStates = ['draft', 'overtaken', 'approved', 'started', 'withdrawn'] as const;

/** Where one version stands, the first that is true. Together they are everything: counts add up. */
export const STANDINGS = [
  'proven_dead',
  'seen_live',
  'revoked_unproven',
  'revoking',
  'stated',
  'risk_accepted',
  'retired_unproven',
  'expired_unproven',
  'untouched',
  'no_version',
] as const;
export type Standing = (typeof STANDINGS)[number];

const counts = z.record(z.enum(STANDINGS), z.int());

export const massRevocationSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    state: z
      .enum(massStates)
      .describe('overtaken: a draft whose every version is proven dead; nobody has to approve it'),
    selection: z.record(z.string(), z.unknown()),
    reason: z.string(),
    force: z.boolean(),
    askedAt: z.iso.datetime(),
    approvedAt: z.iso.datetime().nullable(),
    startedAt: z.iso.datetime().nullable(),
    versions: z.int().describe('Frozen'),
    left: z.int().describe('Not proven dead: so many does whoever approves a draft approve'),
    toStart: z.int().describe('Approved, and not yet handed to the emergency revocation'),
    standings: counts,
    incidents: z.array(z.object({ id: z.uuid(), reference: z.string(), state: z.string() })),
  })
  .meta({ id: 'MassRevocation' });
export type MassRevocationView = z.output<typeof massRevocationSchema>;

const named = z.object({ reference: z.string(), name: z.string() });

export const whoBreaksSchema = z
  .object({
    credentials: z.int(),
    shared: z.array(named.extend({ id: z.uuid(), uses: z.int() })),
    decisions: z
      .object({ act: z.int(), approve: z.int(), replace_first: z.int(), person: z.int() })
      .describe('What each version would do first; of a draft, each one that is left'),
    integrations: z.array(
      named.extend({
        id: z.uuid(),
        state: z.string(),
        home: z.boolean(),
        credentials: z.int(),
        parties: z.array(z.string()),
        lastUsedAt: z.iso.datetime().nullable(),
      }),
    ),
    locations: z.array(z.object({ kind: z.string(), count: z.int() })),
    systems: z.array(z.object({ name: z.string(), environment: z.string(), credentials: z.int() })),
    valueless: z
      .object({
        versions: z.int(),
        listed: z.array(
          named.extend({
            version: z.int(),
            neededFor: z.enum(NEEDED_FOR).describe('What no machine can do without the value'),
          }),
        ),
      })
      .describe(
        'Their value is not kept here, and the way to stop or to look needs it: they will need a person',
      ),
    unknown: z.array(z.string()).describe('What nobody can say, in words'),
    added: z
      .array(named.extend({ version: z.int() }))
      .describe('Fits the selection, and is not in it: it came later'),
    gone: z.int().describe('In the selection, and proven dead or retired since'),
  })
  .meta({ id: 'WhoBreaks' });
export type WhoBreaks = z.output<typeof whoBreaksSchema>;

export const massDetailSchema = massRevocationSchema
  .extend({ whoBreaks: whoBreaksSchema })
  .meta({ id: 'MassRevocationDetail' });
export type MassDetail = z.output<typeof massDetailSchema>;

export const completenessLineSchema = z.object({
  credentialId: z.uuid(),
  reference: z.string(),
  name: z.string(),
  integration: z.string(),
  environment: z.string(),
  versionId: z.uuid().nullable(),
  version: z.int().nullable(),
  phase: z.string().nullable().describe('What it is for; dead where it is proven so, whatever it was for'),
  standing: z.enum(STANDINGS),
  evidenceId: z.uuid().nullable(),
  evidenceAt: z.iso.datetime().nullable(),
  incidentReference: z.string().nullable(),
  addedSince: z.boolean(),
});
export type CompletenessLine = z.output<typeof completenessLineSchema>;

export const completenessSchema = z
  .object({
    supplier: z.object({ id: z.uuid(), reference: z.string(), name: z.string() }),
    asOf: z.iso.datetime(),
    since: z.iso.datetime().nullable(),
    credentials: z.int(),
    versions: z.int(),
    standings: counts,
    addedSince: z.int(),
    addsUp: z
      .boolean()
      .describe('Every credential of the supplier is in exactly one count for each of its versions'),
    complete: z.boolean().describe('Nothing is open: every version is proven dead'),
    lines: z.array(completenessLineSchema),
    next: z.string().nullable(),
  })
  .meta({ id: 'Completeness' });
export type Completeness = z.output<typeof completenessSchema>;
