import { z } from 'zod';
import {
  ARRIVALS,
  AUTHORITIES,
  LOCATION_KINDS,
  PROVABLE,
  REVOCABILITY,
} from '../credentials/credential.schema.ts';
import { CONTACT_ROLES, PARTY_ROLES } from '../parties/party.schema.ts';
import { DUTIES } from '../responsibility/matrix.rules.ts';

/**
 * Everything that the gate knows of one integration when it decides. Read from the database, or written by hand as a
 * manifest; the rules cannot tell which. Ids are ids of the database or keys of the manifest; instants are UTC
 * milliseconds.
 */

export const STRENGTHS = ['mailbox', 'second_channel', 'account_mfa', 'detached_signature'] as const;

/** What a finding may be about. */
export const SUBJECT_KINDS = [
  'integration',
  'matrix',
  'agreement',
  'term',
  'credential',
  'location',
  'revocation_path',
  'party',
  'contact',
  'runbook',
  'access_review',
] as const;

export const WINDOW_UNITS = ['elapsed-hours', 'calendar-days', 'business-days', 'months'] as const;

const id = z.string().min(1).max(300);
const millis = z.number();
/** `recorded`: on record here. `declared`: a manifest says so, and nobody has checked it. */
const origin = z.enum(['recorded', 'declared']);

const contact = z.object({
  id,
  key: z.string().nullable(),
  name: z.string(),
  role: z.enum(CONTACT_ROLES),
  active: z.boolean(),
  email: z.string().nullable(),
  phone: z.string().nullable(),
  confirmedAt: millis.nullable(),
});

const party = z.object({
  id,
  key: z.string().nullable(),
  name: z.string(),
  operator: z.boolean(),
  roles: z.array(z.enum(PARTY_ROLES)),
  /** When somebody last made sure that it is who it says; null: nobody did. */
  verifiedAt: millis.nullable(),
  contacts: z.array(contact),
});

const matrixRow = z.object({
  duty: z.enum(DUTIES),
  part: z.string(),
  credentialId: id.nullable(),
  accountablePartyId: id,
  performingPartyIds: z.array(id),
  contactId: id.nullable(),
});

const attestation = z.object({
  id,
  partyId: id,
  /** Lower-case hex SHA-256 of the matrix that was signed. */
  hash: z.string(),
  strength: z.enum(STRENGTHS),
  at: millis,
  expiresAt: millis.nullable(),
  origin,
});

const matrix = z.object({
  id,
  number: z.int(),
  hash: z.string(),
  validUntil: millis.nullable(),
  rows: z.array(matrixRow),
  /** Those that were not withdrawn. */
  attestations: z.array(attestation),
});

/** What became of the newest matrix, where none counts. */
const endedMatrix = z.object({
  number: z.int(),
  /** `fell`: it was changed after it was signed. */
  how: z.enum(['fell', 'withdrawn']),
  /** When its signatures fell. */
  at: millis.nullable(),
});

const term = z.object({
  id,
  name: z.string(),
  direction: z.enum(['to_party', 'from_party']),
  trigger: z.string(),
  /** Null: without undue delay, a duty without a number. */
  window: z.object({ count: z.int(), unit: z.enum(WINDOW_UNITS) }).nullable(),
  /** Of its calendar: how many days a week are worked. */
  workingDays: z.int().min(1).max(7),
  recipients: z.array(id),
});

const agreement = z.object({
  id,
  key: z.string().nullable(),
  title: z.string(),
  partyId: id,
  number: z.int(),
  /** A date. */
  reviewOn: z.string().nullable(),
  validUntil: millis.nullable(),
  authority: z.enum(AUTHORITIES),
  approveWithinMinutes: z.number().nullable(),
  containmentSteps: z.array(z.string()),
  terms: z.array(term),
});

const drill = z.object({ id, at: millis, passed: z.boolean(), minutes: z.number().nullable(), origin });

const path = z.object({
  id,
  kind: z.enum(['connector', 'contact']),
  partyId: id,
  label: z.string(),
  /** A retired connection, or a contact who is no longer active. */
  retired: z.boolean(),
  expectedMinutes: z.number().nullable(),
  /** The last one that ended. */
  lastDrill: drill.nullable(),
});

const location = z.object({
  id,
  name: z.string(),
  kind: z.enum(LOCATION_KINDS),
  arrivedBy: z.enum(ARRIVALS),
  partyId: id,
  ownerContactId: id.nullable(),
  provable: z.enum(PROVABLE),
  /** Of the systems that read it there. */
  environments: z.array(z.string()),
});

const credential = z.object({
  id,
  key: z.string().nullable(),
  name: z.string(),
  kind: z.string(),
  environment: z.string(),
  purpose: z.string(),
  ownerContactId: id.nullable(),
  issuerPartyId: id,
  verifierPartyId: id,
  holderPartyIds: z.array(id),
  revocability: z.enum(REVOCABILITY),
  authority: z.enum(AUTHORITIES).nullable(),
  scopes: z.array(
    z.object({
      name: z.string(),
      description: z.string(),
      justification: z.string(),
      /** Of a person, explicitly, on record. */
      consent: z.object({ id, personId: z.string(), at: millis }).nullable().optional(),
    }),
  ),
  /** The active version. */
  version: z
    .object({
      number: z.int(),
      issuedAt: millis.nullable(),
      activatedAt: millis.nullable(),
      expiresAt: millis.nullable(),
    })
    .nullable(),
  paths: z.array(path),
  locations: z.array(location),
  /** Other integrations that use it, and whom their matrices make accountable for revoking it. */
  sharedWith: z.array(z.object({ id, name: z.string(), revokerPartyId: id.nullable() })),
  /** Other credentials with the same value. */
  sameValueAs: z.array(z.object({ id, name: z.string(), environment: z.string() })),
});

const runbook = z.object({
  id,
  title: z.string(),
  /** What people of this runbook take before each of its notices can leave; see `runbook-time.rules.ts`. */
  beforeNotice: z
    .object({
      minutes: z.number(),
      businessDays: z.int(),
      /** The slowest way there, step by step. */
      steps: z.array(z.string()),
      /** What sends. */
      sender: z.string(),
    })
    .nullable(),
  /** Addresses that its steps write to by themselves. */
  addresses: z.array(z.object({ step: z.string(), address: z.string() })),
});

/** Of a review of who may view, rotate and revoke: the part that is about this integration, or about all accounts. */
const accessReview = z.object({
  id,
  reference: z.string(),
  dueAt: millis,
  undecided: z.int(),
  /** Accesses that were to be taken away and still are there. */
  removalsFailed: z.int(),
  accounts: z.boolean(),
});

/** What stands in, until a date, for something that is missing. */
const control = z.object({
  id,
  what: z.enum(['exception', 'fast_path']),
  control: z.string(),
  until: millis,
  /** What an exception let pass. */
  finding: z
    .object({ rule: z.string(), subject: z.object({ kind: z.enum(SUBJECT_KINDS), id, name: z.string() }) })
    .nullable(),
});

export const gateFactsSchema = z.object({
  integration: z.object({
    id,
    key: z.string().nullable(),
    source: z.string(),
    reference: z.string(),
    name: z.string(),
    purpose: z.string(),
    state: z.string(),
    riskTier: z.int().min(1).max(4),
    dataClass: z.string(),
    environments: z.array(z.string()),
    ownerContactId: id.nullable(),
    shadow: z.boolean(),
    /** How many connections it holds open at once at most; null or absent: nobody said. */
    maxConnections: z.int().nullable().optional(),
  }),
  parties: z.array(party),
  matrix: matrix.nullable(),
  endedMatrix: endedMatrix.optional(),
  agreement: agreement.nullable(),
  credentials: z.array(credential),
  runbooks: z.array(runbook),
  /** Those that are not finished, or of which a removal failed. */
  accessReviews: z.array(accessReview),
  /** Controls of the fast path, and of exceptions that ended and were not asked for anew. */
  controls: z.array(control).optional(),
});

export type GateFacts = z.infer<typeof gateFactsSchema>;
export type CredentialFacts = GateFacts['credentials'][number];
export type PathFacts = CredentialFacts['paths'][number];
export type TermFacts = NonNullable<GateFacts['agreement']>['terms'][number];
export type RunbookFacts = GateFacts['runbooks'][number];
export type ContactFacts = GateFacts['parties'][number]['contacts'][number];
export type MatrixFacts = NonNullable<GateFacts['matrix']>;

/** The name of a party, for sentences. */
export function partyName(facts: GateFacts, partyId: string): string {
  return facts.parties.find((one) => one.id === partyId)?.name ?? 'a party outside this integration';
}

export function contactOf(facts: GateFacts, contactId: string): ContactFacts | undefined {
  for (const one of facts.parties) {
    const found = one.contacts.find((other) => other.id === contactId);
    if (found) return found;
  }
  return undefined;
}
