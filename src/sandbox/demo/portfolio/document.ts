import type { PresetOffer } from '../../suppliers/connector-presets.ts';
import {
  CLEARED_PLACES,
  CONTACTS,
  CREDENTIALS,
  INTEGRATIONS,
  OPERATOR,
  PLATFORM,
  SUPPLIERS,
  SUPPLIER_FACTS,
  SYSTEMS,
  contactOf,
  locationsOf,
} from './catalogue.ts';
import type { Contact, CredentialFacts, IntegrationFacts, LocationFacts, SupplierKey } from './catalogue.ts';

/** A credential version as its supplier issued it, by its id and the hash of its value. */
export interface IssuedVersion {
  credential: string;
  number: number;
  supplierId: string;
  sha256: string;
  issuedAt: string;
}

/** Whose keys these are: the same file again, or a later one, speaks of the same rows. */
export const SOURCE = 'brightwater-register';

const TERMS_FROM = '2026-01-01T00:00:00Z';
/** How long people have before a credential is revoked without their word. */
export const APPROVE_WITHIN_MINUTES = 30;

const DUTIES_OF_OPERATOR = [
  'admission',
  'storage',
  'distribution',
  'scope_approval',
  'rotation',
  'notification',
  'containment',
  'downstream_impact',
  'recovery',
];
const DUTIES_OF_SUPPLIER = ['issuance', 'monitoring', 'revocation'];

/** The whole portfolio in the format of the product's public import. No value of a credential is in it. */
export function portfolioDocument(o: {
  versions: readonly IssuedVersion[];
  presets: readonly PresetOffer[];
}): Record<string, unknown> {
  return {
    countersign: 1,
    source: SOURCE,
    calendars: [
      {
        key: 'working-days',
        name: 'Working days in Amsterdam',
        zone: 'Europe/Amsterdam',
        workingDays: [1, 2, 3, 4, 5],
        dayEnds: '18:00',
        holidays: ['2026-12-25', '2026-12-28', '2027-01-01'],
      },
    ],
    parties: [
      {
        key: OPERATOR,
        name: 'Brightwater Retail',
        operator: true,
        region: 'Netherlands',
        sector: 'retail',
        zone: 'Europe/Amsterdam',
        calendar: 'working-days',
        language: 'en',
      },
      ...SUPPLIERS.map((key) => {
        const { name, region, zone } = SUPPLIER_FACTS[key];
        return { key, name, region, zone, language: 'en' };
      }),
    ],
    contacts: CONTACTS.map(({ key, party, name, role, email }, ordinal) => ({
      key,
      party,
      name,
      role,
      email,
      ordinal,
    })),
    agreements: SUPPLIERS.map(agreement),
    connectorPresets: o.presets.map(({ preset }) => preset),
    connections: SUPPLIERS.map((key) => ({
      key: SUPPLIER_FACTS[key].connection,
      party: key,
      name: `${SUPPLIER_FACTS[key].name}, main account`,
      preset: o.presets.find((offer) => offer.supplier === key)?.preset.key,
      environment: 'production',
      maxConcurrent: 4,
    })),
    integrations: INTEGRATIONS.map(integrationRow),
    systems: SYSTEMS.map(({ reach: _, ...system }) => ({ ...system, environment: 'production' })),
    credentials: CREDENTIALS.map(credentialRow),
    credentialVersions: o.versions.map((version) => versionRow(version, 'active')),
    locations: locationsOf().map(locationRow),
    edges: SYSTEMS.flatMap((system) =>
      CREDENTIALS.filter((one) => system.reach.includes(one.integration.name)).map((one) => ({
        credential: one.key,
        system: system.key,
        basis: 'entitled',
      })),
    ),
  };
}

/** What a later leak needs to be told of: fresh versions of credentials, and the credentials that are new. */
export function laterDocument(o: {
  credentials: readonly CredentialFacts[];
  versions: readonly IssuedVersion[];
  /** Versions that give way to those. */
  before: readonly IssuedVersion[];
}): Record<string, unknown> {
  const fresh = o.credentials.filter((one) =>
    o.versions.some((v) => v.credential === one.key && v.number === 1),
  );
  return {
    countersign: 1,
    source: SOURCE,
    credentials: fresh.map(credentialRow),
    credentialVersions: [
      ...o.before.map((version) => versionRow(version, 'overlap')),
      ...o.versions.map((version) => versionRow(version, 'active')),
    ],
    locations: locationsOf(fresh).map(locationRow),
  };
}

function locationRow({ key, credential, place, party }: LocationFacts): Record<string, unknown> {
  return {
    key,
    credential: credential.key,
    integration: credential.integration.key,
    type: place.type,
    name: place.name(credential),
    path: place.path(credential),
    arrivedBy: place.arrivedBy,
    party,
    owner: ownerOf(place.type, party).key,
    provable: place.provable,
  };
}

/** Whoever looks after places of that kind is asked when a copy in one of them has leaked. */
function ownerOf(type: string, party: string): Contact {
  if (party !== OPERATOR) return contactOf(party, 'security');
  return CLEARED_PLACES.includes(type) ? PLATFORM : contactOf(OPERATOR, 'on_call');
}

function versionRow(version: IssuedVersion, phase: string): Record<string, unknown> {
  return { ...version, phase };
}

function agreement(supplier: SupplierKey): Record<string, unknown> {
  const { name, zone } = SUPPLIER_FACTS[supplier];
  const telling = (more: object) => ({ direction: 'to_party', language: 'en', zone, ...more });
  const confirmed = {
    name: 'exposure-confirmed',
    trigger: 'confirmed',
    startEvent: 'confirmed',
    window: supplier === 'halden' ? '2 business-days' : '24 elapsed-hours',
    ...(supplier === 'halden' ? { calendar: 'working-days' } : {}),
    recipients: [contactOf(supplier, 'security').key],
    fallbackRecipients: [contactOf(supplier, 'contract').key],
    fulfilledBy: supplier === 'meridian' || supplier === 'northwind' ? 'acknowledged' : 'accepted_by_peer',
  };
  const terms: object[] = [telling(confirmed)];
  if (supplier === 'kestrel') {
    const { name: _, ...rest } = confirmed;
    terms.push(
      telling({
        ...rest,
        name: 'exposure-acknowledged',
        window: '72 elapsed-hours',
        recipients: [contactOf(supplier, 'contract').key],
        fallbackRecipients: [],
        fulfilledBy: 'acknowledged',
      }),
    );
  }
  terms.push({
    name: 'told-by-supplier',
    direction: 'from_party',
    trigger: 'suspected',
    startEvent: 'detected',
    window: '48 elapsed-hours',
    zone,
    recipients: [contactOf(OPERATOR, 'security').key],
  });
  return {
    key: `agreement-${supplier}`,
    party: supplier,
    title: `Services agreement with ${name}`,
    from: TERMS_FROM,
    reviewOn: '2027-01-15',
    prevailingLanguage: 'en',
    authority: 'revoke_now',
    containmentSteps: ['Revoke the credential', 'Prove that it is dead', 'End what was opened with it'],
    terms,
  };
}

function integrationRow(one: IntegrationFacts): Record<string, unknown> {
  const contactFor = (duty: string) =>
    DUTIES_OF_SUPPLIER.includes(duty)
      ? contactOf(one.supplier, 'security').key
      : contactOf(OPERATOR, duty === 'admission' || duty === 'notification' ? 'security' : 'on_call').key;
  return {
    key: one.key,
    name: one.name,
    purpose: one.purpose,
    dataClass: one.dataClass,
    riskTier: one.tier,
    owner: contactOf(OPERATOR, 'security').key,
    agreement: `agreement-${one.supplier}`,
    environments: ['production', 'staging'],
    parties: [
      { party: OPERATOR, role: 'customer' },
      { party: one.supplier, role: 'supplier' },
    ],
    matrix: [...DUTIES_OF_OPERATOR, ...DUTIES_OF_SUPPLIER].map((duty) => {
      const party = DUTIES_OF_SUPPLIER.includes(duty) ? one.supplier : OPERATOR;
      const performing = duty === 'revocation' ? [OPERATOR, one.supplier] : [party];
      return { duty, accountable: party, performing, contact: contactFor(duty) };
    }),
  };
}

function credentialRow(one: CredentialFacts): Record<string, unknown> {
  const supplier = SUPPLIER_FACTS[one.supplier];
  const uses = one.sharedWith.map((integration) => ({
    integration,
    purpose: 'The same key, kept because it was there',
    holders: [OPERATOR],
  }));
  return {
    key: one.key,
    integration: one.integration.key,
    name: one.name,
    type: supplier.type,
    environment: one.environment,
    purpose: one.integration.purpose,
    direction: 'outbound',
    owner: contactOf(OPERATOR, 'on_call').key,
    issuer: one.supplier,
    verifier: one.supplier,
    holders: [OPERATOR],
    beneficiary: OPERATOR,
    authority: one.authority,
    ...(one.authority === 'approve_within'
      ? { approveWithinMinutes: APPROVE_WITHIN_MINUTES, approveOtherwise: 'escalate' }
      : {}),
    revocability: supplier.revocability,
    connection: supplier.connection,
    paths: [
      { connection: supplier.connection, expectedMinutes: one.supplier === 'halden' ? 240 : 1 },
      { contact: contactOf(one.supplier, 'security').key, expectedMinutes: 60 },
    ],
    ...(uses.length > 0 ? { uses } : {}),
    scopes: [
      {
        name: one.environment === 'staging' ? 'test data' : one.integration.dataClass,
        justification: one.integration.purpose,
      },
    ],
    risk: one.risk,
  };
}
