import { z } from 'zod';
import { WINDOW_UNITS } from '../../kernel/calendar.ts';
import { DIRECTIONS, FULFILMENTS, START_EVENTS, STRENGTHS, TRIGGERS } from '../agreements/term.rules.ts';
import {
  ARRIVALS,
  AUTHORITIES,
  LOCATION_KINDS,
  PHASES,
  PROVABLE,
  REVOCABILITY,
} from '../credentials/credential.schema.ts';
import {
  date,
  email,
  instant,
  keySchema,
  language,
  line,
  listOf,
  oneOf,
  paragraph,
  sha256,
  webUrl,
  whole,
  yesNo,
  zone,
} from '../parties/fields.schema.ts';
import { CONTACT_ROLES, PARTY_ROLES } from '../parties/party.schema.ts';
import { DUTIES } from '../responsibility/matrix.rules.ts';
import { presetSchema } from '../revocation/preset.schema.ts';
import { RUNGS, rungsAreFallbacks, rungText } from './rung-text.schema.ts';

/**
 * The portfolio format: what a file may say of parties, agreements, integrations and credentials. One schema per kind of
 * row; `portfolioJsonSchema` publishes the whole as JSON Schema 2020-12.
 *
 * Rows name themselves by `key` and others by theirs; keys are unique per kind and source. A field that is left out keeps
 * what is stored (on a new row: its default); `null` empties it. A list that is given replaces the stored list. `kind` is
 * the kind of the row, so what a credential, location or system is stands in `type`.
 */

/** The key of another row. */
const ref = keySchema;
const ENVIRONMENT = line(60);

const OTHERWISE = ['act', 'escalate'] as const;
const UNITS = WINDOW_UNITS;

const authority = {
  authority: oneOf(AUTHORITIES).nullish().describe('What may be done to a live credential without asking'),
  approveWithinMinutes: whole(1, 43_200)
    .nullish()
    .describe('Of a credential that says none, what the agreement of its integration says'),
  approveOtherwise: oneOf(OTHERWISE).nullish().describe('When nobody approved in time'),
};
const hasTimeToApprove = (row: { authority?: string | null; approveWithinMinutes?: number | null }) =>
  row.authority !== 'approve_within' || (row.approveWithinMinutes ?? 0) > 0;
const APPROVAL_NEEDS_TIME = {
  path: ['approveWithinMinutes'],
  message: 'must say how many minutes, as the authority is approve_within',
};

const WINDOW = new RegExp(`^([1-9][0-9]{0,4}) (${UNITS.join('|')})$`);
const windowText = z
  .string()
  .regex(WINDOW, `must be a number and a unit, e.g. "72 elapsed-hours"; units: ${UNITS.join(', ')}`)
  .transform((text) => {
    const [, count, unit] = WINDOW.exec(text) ?? [];
    return { count: Number(count), unit: unit as (typeof UNITS)[number] };
  });

const term = {
  name: keySchema.optional().describe('A name for the term within its agreement'),
  direction: oneOf(DIRECTIONS).describe('to_party: we owe it; from_party: they owe it to us'),
  trigger: oneOf(TRIGGERS),
  startEvent: oneOf(START_EVENTS).describe('The instant that starts the clock'),
  window: windowText.nullish().describe('Left out: without undue delay, a duty without a number'),
  zone: zone.default('UTC'),
  calendar: ref.nullish(),
  warnPercent: whole(1, 100).default(50),
  escalatePercent: whole(1, 100).default(80),
  recipients: listOf(ref).default([]).describe('Keys of contacts, in the order to tell them'),
  fallbackRecipients: listOf(ref).default([]),
  rungs: listOf(rungText)
    .default([])
    .describe('When which fallback is told, e.g. "on-call after 15 minutes"; else from half of the window'),
  fulfilledBy: oneOf(FULFILMENTS).default('accepted_by_peer'),
  leastStrength: oneOf(STRENGTHS).nullish().describe('Of an acknowledgement; left out: as the policy says'),
  language: language.default('en'),
  category: line(60).default('exposure'),
  ruleVersion: line(60).default('1'),
  from: instant.nullish(),
  until: instant.nullish(),
};
const thresholdsInOrder = (row: { warnPercent: number; escalatePercent: number }) =>
  row.warnPercent <= row.escalatePercent;
const THRESHOLDS = { path: ['escalatePercent'], message: 'must not be below warnPercent' };

const matrixRow = {
  duty: oneOf(DUTIES),
  part: z
    .union([z.literal(''), line(120)], 'must be one line of text')
    .optional()
    .describe('A named part of the duty: an environment, a region. Left out: the whole'),
  credential: ref.optional().describe('Overrides the row for one credential'),
  accountable: ref.describe('Key of exactly one party'),
  performing: listOf(ref).min(1, 'must name at least one performing party'),
  contact: ref.optional(),
  note: paragraph(2000).optional(),
};

const path = z
  .strictObject({
    connection: ref.optional(),
    contact: ref.optional(),
    expectedMinutes: whole(0, 43_200).optional(),
  })
  .refine((row) => (row.connection === undefined) !== (row.contact === undefined), {
    path: ['connection'],
    message: 'must name either a connection or a contact',
  });

const scope = z.union([
  line(500).transform((name) => ({ name, description: '', justification: '' })),
  z.strictObject({
    name: line(500),
    description: paragraph(2000).default(''),
    justification: paragraph(2000).default(''),
  }),
]);

const use = z.union([
  ref.transform((integration) => ({ integration, label: undefined, purpose: undefined, holders: undefined })),
  z.strictObject({
    integration: ref,
    label: line(200).optional(),
    purpose: paragraph(2000).optional(),
    holders: listOf(ref).optional(),
  }),
]);

const partyOfIntegration = z.union([
  line(260)
    .regex(
      new RegExp(`^.+=(${PARTY_ROLES.join('|')})$`),
      `must be key=role; roles: ${PARTY_ROLES.join(', ')}`,
    )
    .transform((text) => ({
      party: text.slice(0, text.lastIndexOf('=')).trim(),
      role: text.slice(text.lastIndexOf('=') + 1) as (typeof PARTY_ROLES)[number],
    })),
  z.strictObject({ party: ref, role: oneOf(PARTY_ROLES) }),
]);

const key = keySchema.describe('Unique per kind and source; never changes');

/** Each kind of row, in the order in which rows come to exist. */
export const kindSchemas = {
  calendar: z.strictObject({
    key,
    name: line(200),
    zone,
    workingDays: z
      .array(whole(1, 7))
      .min(1, 'must name at least one day')
      .max(7)
      .describe('1 is Monday, 7 is Sunday'),
    dayEnds: z
      .string()
      .regex(/^([01]\d|2[0-3]):[0-5]\d$|^24:00$/, 'must be a time of day, e.g. 17:30')
      .optional(),
    holidays: listOf(date).optional(),
  }),
  party: z.strictObject({
    key,
    name: line(200),
    operator: yesNo.optional().describe('Whether this is who runs the installation'),
    region: line(120).nullish(),
    sector: line(120).nullish(),
    zone: zone.optional(),
    calendar: ref.nullish(),
    language: language.optional(),
  }),
  contact: z.strictObject({
    key,
    party: ref,
    name: line(200),
    role: oneOf(CONTACT_ROLES),
    email: email.nullish(),
    phone: line(60).nullish(),
    language: language.optional(),
    ordinal: whole(0, 1000).optional().describe('Lower is called first'),
    active: yesNo.optional(),
  }),
  agreement: z
    .strictObject({
      key,
      party: ref.describe('The counterparty'),
      title: line(300),
      from: instant.nullish(),
      until: instant.nullish(),
      reviewOn: date.nullish(),
      prevailingLanguage: language.optional(),
      ...authority,
      containmentSteps: listOf(line(500)).optional().describe('What was agreed beforehand to do'),
      drillEveryDays: whole(1, 3650).nullish().describe('How often the paths are tried'),
      terms: listOf(
        z.strictObject(term).refine(thresholdsInOrder, THRESHOLDS).refine(rungsAreFallbacks, RUNGS),
      ).optional(),
    })
    .refine(hasTimeToApprove, APPROVAL_NEEDS_TIME),
  term: z
    .strictObject({ key, agreement: ref, ...term })
    .refine(thresholdsInOrder, THRESHOLDS)
    .refine(rungsAreFallbacks, RUNGS)
    .describe('A term on a row of its own, for flat files; joins the terms of its agreement'),
  connectorPreset: presetSchema,
  connection: z.strictObject({
    key,
    party: ref.describe('The supplier'),
    name: line(200),
    preset: ref.describe('Key of a connector preset'),
    baseUrl: webUrl.optional(),
    environment: ENVIRONMENT.optional(),
    maxConcurrent: whole(1, 1000).optional(),
    perSecond: z.number('must be a number').positive('must be above nought').max(100_000).nullish(),
    controlSupplierId: line(300)
      .nullish()
      .describe("The supplier's id of the control canary; its value is set apart"),
  }),
  integration: z.strictObject({
    key,
    name: line(200),
    purpose: paragraph(4000).optional(),
    dataClass: line(60).optional(),
    riskTier: whole(1, 4).optional().describe('1 is the riskiest'),
    owner: ref.nullish().describe('Key of a contact'),
    agreement: ref.nullish(),
    environments: listOf(ENVIRONMENT).optional(),
    regions: listOf(line(120)).optional(),
    sectors: listOf(line(120)).optional(),
    shadow: yesNo.optional(),
    parties: listOf(partyOfIntegration).optional(),
    dependencies: listOf(
      z.strictObject({
        party: ref,
        integration: ref.optional().describe('The integration that this one depends on'),
        depth: whole(1, 5).default(1),
        via: line(300).optional(),
      }),
    ).optional(),
    matrix: listOf(z.strictObject(matrixRow)).optional(),
  }),
  system: z.strictObject({
    key,
    name: line(200),
    type: line(60).optional(),
    environment: ENVIRONMENT.optional(),
    party: ref,
  }),
  credential: z.strictObject({
    key,
    integration: ref.describe('Its home'),
    name: line(200),
    type: line(120).describe('e.g. oauth_access_token, api_key, webhook_secret'),
    environment: ENVIRONMENT.optional(),
    purpose: paragraph(4000).optional(),
    direction: oneOf(['inbound', 'outbound'] as const)
      .optional()
      .describe('inbound: issued by the customer, held by the supplier'),
    owner: ref.nullish().describe('Key of a contact'),
    issuer: ref.describe('Party that made it'),
    verifier: ref.describe('Party whose systems accept it'),
    holders: listOf(ref).optional().describe('Parties that present or store it'),
    beneficiary: ref.nullish(),
    ...authority,
    revocability: oneOf(REVOCABILITY).optional(),
    connection: ref.nullish(),
    paths: listOf(path).optional().describe('Revocation paths in the order to try them'),
    uses: listOf(use).optional().describe('Other integrations that use it'),
    scopes: listOf(scope).optional(),
    risk: whole(0, 1000).optional().describe('The riskiest are revoked first'),
    store: line(300).optional().describe('Where the value is kept, in words; never the value'),
    rotateEveryDays: whole(1, 3650).nullish(),
    lastUsedAt: instant.nullish().describe('As far as its owner knows'),
  }),
  credentialVersion: z.strictObject({
    credential: ref,
    number: whole(1, 1_000_000).default(1),
    supplierId: line(500).nullish().describe("The supplier's own id for this version"),
    issuedAt: instant.nullish(),
    issuedBy: line(200).nullish(),
    expiresAt: instant.nullish(),
    phase: oneOf(PHASES).optional(),
    sha256: sha256.optional().describe('SHA-256 of the value; kept only under a key that no database holds'),
    fingerprints: listOf(z.strictObject({ part: line(60), sha256 }))
      .optional()
      .describe('For secrets of several parts'),
  }),
  location: z.strictObject({
    key,
    credential: ref,
    integration: ref.optional().describe("Left out: the credential's home"),
    version: whole(1, 1_000_000).optional(),
    type: oneOf(LOCATION_KINDS),
    name: line(300),
    path: line(1000).optional(),
    arrivedBy: oneOf(ARRIVALS).optional(),
    putBy: line(200).nullish(),
    putAt: instant.nullish(),
    party: ref.describe('The party that owns the place'),
    owner: ref.nullish().describe('Key of a contact'),
    provable: oneOf(PROVABLE).optional().describe('How it can be shown that the copy is gone'),
  }),
  matrixRow: z
    .strictObject({ integration: ref, ...matrixRow })
    .describe(
      'A row of a responsibility matrix, for flat files; the rows of a file are the whole matrix of their integration',
    ),
  edge: z
    .strictObject({
      credential: ref.optional(),
      location: ref.optional(),
      system: ref,
      basis: oneOf(['entitled', 'observed'] as const).optional(),
      scope: line(500).optional(),
      firstSeenAt: instant.nullish(),
      lastSeenAt: instant.nullish(),
    })
    .refine((row) => (row.credential === undefined) !== (row.location === undefined), {
      path: ['credential'],
      message: 'must name either a credential or a location',
    }),
} as const;

export type Kind = keyof typeof kindSchemas;
export const KINDS = Object.keys(kindSchemas) as Kind[];
export type PortfolioRow<K extends Kind> = z.output<(typeof kindSchemas)[K]>;

export function isKind(text: string): text is Kind {
  return Object.hasOwn(kindSchemas, text);
}

/** In a JSON or YAML document the rows of a kind stand in a list of this name. */
export const COLLECTIONS: Readonly<Record<string, Kind>> = Object.fromEntries(
  KINDS.map((kind) => [collectionOf(kind), kind]),
);

function collectionOf(kind: Kind): string {
  if (kind === 'party') return 'parties';
  return `${kind}s`;
}

const documentSchema = z.strictObject({
  countersign: z.literal(1).optional().describe('Version of this format'),
  source: keySchema.optional().describe('Whose keys these are'),
  ...Object.fromEntries(
    Object.entries(COLLECTIONS).map(([collection, kind]) => [
      collection,
      z.array(kindSchemas[kind].meta({ id: kind })).optional(),
    ]),
  ),
});

/** The format as JSON Schema 2020-12: of a document, with a definition for the rows of each kind. */
export function portfolioJsonSchema(): Record<string, unknown> {
  const schema = z.toJSONSchema(documentSchema, {
    target: 'draft-2020-12',
    io: 'input',
    unrepresentable: 'any',
  });
  return {
    ...schema,
    $id: '/api/schemas/portfolio.json',
    title: 'Countersign portfolio',
    description:
      'A whole document. In JSON Lines each line is one row of $defs with a member "kind"; in CSV a column "kind" says so, or the whole file is of one kind.',
  };
}
