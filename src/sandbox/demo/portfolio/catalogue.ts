/**
 * The business that the demonstration is about: Brightwater Retail, its four suppliers and what connects them. Data alone;
 * `document.ts` writes it down in the portfolio format.
 */

export const SUPPLIERS = ['meridian', 'northwind', 'kestrel', 'halden'] as const;
export type SupplierKey = (typeof SUPPLIERS)[number];

export interface SupplierFacts {
  key: SupplierKey;
  name: string;
  region: string;
  zone: string;
  /** The kind of credential that it issues, as its preset calls it. */
  type: string;
  /** The account at the supplier on which credentials are issued. */
  account: string;
  /** Sessions that somebody has opened with each credential. */
  sessions: number;
  revocability: 'instant' | 'manual';
  connection: string;
  verb: string;
}

export const SUPPLIER_FACTS: Readonly<Record<SupplierKey, SupplierFacts>> = {
  meridian: {
    key: 'meridian',
    name: 'Meridian Identity',
    region: 'Netherlands',
    zone: 'Europe/Amsterdam',
    type: 'meridian_access_token',
    account: 'orders-service',
    sessions: 1,
    revocability: 'instant',
    connection: 'meridian-token-operations',
    verb: 'access token',
  },
  northwind: {
    key: 'northwind',
    name: 'Northwind Pay',
    region: 'Ireland',
    zone: 'Europe/Dublin',
    type: 'northwind_api_key',
    account: 'main',
    sessions: 0,
    revocability: 'instant',
    connection: 'northwind-admin',
    verb: 'API key',
  },
  kestrel: {
    key: 'kestrel',
    name: 'Kestrel Logs',
    region: 'Sweden',
    zone: 'Europe/Stockholm',
    type: 'kestrel_ingest_key',
    account: 'main',
    sessions: 0,
    revocability: 'instant',
    connection: 'kestrel-admin',
    verb: 'ingest key',
  },
  halden: {
    key: 'halden',
    name: 'Halden Freight',
    region: 'Norway',
    zone: 'Europe/Oslo',
    type: 'halden_edi_password',
    account: 'main',
    sessions: 0,
    revocability: 'manual',
    connection: 'halden-desk',
    verb: 'EDI password',
  },
};

export const OPERATOR = 'brightwater';

export interface IntegrationFacts {
  key: string;
  supplier: SupplierKey;
  name: string;
  purpose: string;
  dataClass: 'personal' | 'payment' | 'operational';
  tier: 1 | 2 | 3 | 4;
  /** Names of its credentials: the environment, then what it is for. */
  credentials: readonly string[];
}

const LIVE_AND_TEST = ['production', 'staging'] as const;

/** 25 integrations with 60 credentials: 16 at Meridian, 20 at Northwind, 16 at Kestrel, 8 at Halden. */
export const INTEGRATIONS: readonly IntegrationFacts[] = [
  integration('meridian', 'Customer sign-in', 'Signs shoppers in to the web shop.', 'personal', 1, ['batch']),
  integration('meridian', 'Workforce sign-on', 'Signs staff in to back-office tools.', 'personal', 1, [
    'leavers job',
  ]),
  integration('meridian', 'Store tablet sign-in', 'Signs floor staff in to shared tablets.', 'personal', 2),
  integration(
    'meridian',
    'Partner portal access',
    'Lets franchise partners see their own orders.',
    'personal',
    2,
  ),
  integration('meridian', 'Loyalty account linking', 'Links loyalty cards to accounts.', 'personal', 2),
  integration('meridian', 'Courier app sign-in', 'Signs couriers in to the delivery app.', 'personal', 3),
  integration(
    'meridian',
    'Returns kiosk identity',
    'Recognises shoppers at the returns kiosk.',
    'personal',
    3,
  ),
  integration('northwind', 'Checkout payments', 'Takes card payments in the web shop.', 'payment', 1, [
    'fallback',
  ]),
  integration('northwind', 'Subscription billing', 'Charges monthly boxes.', 'payment', 1, ['dunning job']),
  integration('northwind', 'Gift card ledger', 'Issues and redeems gift cards.', 'payment', 2, [
    'bulk orders',
  ]),
  integration('northwind', 'Refunds desk', 'Pays money back from the service desk.', 'payment', 1, [
    'night batch',
  ]),
  integration('northwind', 'Marketplace payouts', 'Pays third-party sellers.', 'payment', 2),
  integration('northwind', 'Store till payments', 'Takes card payments at the tills.', 'payment', 1),
  integration('northwind', 'Invoice collection', 'Collects invoices of business customers.', 'payment', 3),
  integration('northwind', 'Fraud scoring feed', 'Scores payments before they are taken.', 'payment', 2),
  integration('kestrel', 'Storefront logs', 'Keeps what the web shop logs.', 'operational', 2, [
    'edge workers',
  ]),
  integration('kestrel', 'Warehouse telemetry', 'Watches conveyors and scanners.', 'operational', 3, [
    'gateway',
  ]),
  integration('kestrel', 'Checkout audit trail', 'Keeps who changed what in an order.', 'payment', 2, [
    'replay job',
  ]),
  integration('kestrel', 'Mobile app diagnostics', 'Collects crash reports of the app.', 'personal', 3, [
    'symbol upload',
  ]),
  integration('kestrel', 'Edge access logs', 'Keeps who asked the edge for what.', 'operational', 3),
  integration('kestrel', 'Payment event archive', 'Archives what Northwind announces.', 'payment', 2),
  integration('halden', 'Parcel labels', 'Orders parcel labels.', 'operational', 3),
  integration('halden', 'Freight booking', 'Books pallets between warehouses.', 'operational', 3),
  integration('halden', 'Returns collection', 'Orders the collection of returns.', 'operational', 3),
  integration('halden', 'Customs declarations', 'Declares parcels that leave the union.', 'operational', 2),
];

function integration(
  supplier: SupplierKey,
  name: string,
  purpose: string,
  dataClass: IntegrationFacts['dataClass'],
  tier: IntegrationFacts['tier'],
  more: readonly string[] = [],
): IntegrationFacts {
  return {
    key: name.toLowerCase().replaceAll(/[^a-z]+/g, '-'),
    supplier,
    name,
    purpose,
    dataClass,
    tier,
    credentials: [...LIVE_AND_TEST, ...more],
  };
}

export type Authority = 'revoke_now' | 'replace_first' | 'approve_within';

export interface CredentialFacts {
  key: string;
  integration: IntegrationFacts;
  supplier: SupplierKey;
  name: string;
  environment: 'production' | 'staging';
  authority: Authority;
  /** Position among the credentials of its supplier. */
  place: number;
  risk: number;
  sharedWith: readonly string[];
}

/** The credential that three integrations use. */
export const SHARED = 'checkout-payments/production';
const SHARED_WITH = ['refunds-desk', 'subscription-billing'];

/** How many credentials of each supplier leak together. */
const LEAKING: Readonly<Record<SupplierKey, number>> = { meridian: 4, northwind: 5, kestrel: 4, halden: 2 };
/** So many leaks until every credential that can leak has leaked. */
export const LEAKS = 4;

export const CREDENTIALS: readonly CredentialFacts[] = SUPPLIERS.flatMap((supplier) =>
  INTEGRATIONS.filter((one) => one.supplier === supplier)
    .flatMap((one) => one.credentials.map((name) => ({ one, name })))
    .map(({ one, name }, place): CredentialFacts => {
      const key = `${one.key}/${name.replaceAll(' ', '-')}`;
      return {
        key,
        integration: one,
        supplier,
        name: `${one.name}, ${name} ${SUPPLIER_FACTS[supplier].verb}`,
        environment: name === 'staging' ? 'staging' : 'production',
        authority: authorityOf(supplier, place),
        place,
        risk: (5 - one.tier) * 100 + (name === 'staging' ? 0 : 50),
        sharedWith: key === SHARED ? SHARED_WITH : [],
      };
    }),
);

/** In each leak one credential is replaced first at two suppliers, and one waits for an approval at two. */
function authorityOf(supplier: SupplierKey, place: number): Authority {
  const inLeak = Math.floor(place / LEAKS);
  if (supplier === 'meridian') return inLeak === 1 ? 'replace_first' : 'revoke_now';
  if (supplier === 'northwind')
    return inLeak === 2 ? 'replace_first' : inLeak === 3 ? 'approve_within' : 'revoke_now';
  if (supplier === 'kestrel') return inLeak === 3 ? 'approve_within' : 'revoke_now';
  return 'revoke_now';
}

/** What leaks in the n-th leak, counted from 1: every supplier is touched, and nothing leaks twice. */
export function leakOf(n: number): CredentialFacts[] {
  const leak = (n - 1) % LEAKS;
  const round = Math.floor((n - 1) / LEAKS) + 1;
  return CREDENTIALS.filter(
    (one) => one.place % LEAKS === leak && one.place < LEAKING[one.supplier] * LEAKS,
  ).map((one) => (round === 1 ? one : successorOf(one, round)));
}

/** Once everything has leaked, credentials of their own follow: an old incident may still hold the old ones. */
function successorOf(one: CredentialFacts, round: number): CredentialFacts {
  return { ...one, key: `${one.key}-${round}`, name: `${one.name} (${round})`, sharedWith: [] };
}

/** What is new of the portfolio with the n-th leak: all of it at first, later what leaks. */
export const issuedFor = (leak: number): CredentialFacts[] => (leak === 1 ? [...CREDENTIALS] : leakOf(leak));

/** Whether a machine can prove at this supplier that a credential is dead. */
export const provableAt = (supplier: string): boolean => supplier !== 'halden';

export interface Contact {
  key: string;
  party: string;
  name: string;
  role: 'security' | 'contract' | 'on_call';
  email: string;
  /** False: their mail piles up unread. */
  answers: boolean;
}

/** Who answers for what. Two of them never answer their mail, as happens. */
export const CONTACTS: readonly Contact[] = [
  contact(OPERATOR, 'Ines Calder', 'security'),
  contact(OPERATOR, 'Tomas Reyes', 'on_call'),
  contact(OPERATOR, 'Noor Haddad', 'on_call'),
  contact(OPERATOR, 'Priya Raman', 'contract'),
  contact('meridian', 'Jonas de Wit', 'security'),
  contact('meridian', 'Sanne Kuiper', 'contract'),
  contact('northwind', 'Aoife Brennan', 'security'),
  contact('northwind', 'Declan Shaw', 'contract'),
  contact('kestrel', 'Freja Lund', 'security'),
  contact('kestrel', 'Milo Grange', 'contract', false),
  contact('halden', 'Eirik Solberg', 'security', false),
  contact('halden', 'Marit Aas', 'contract'),
];

function contact(party: string, name: string, role: Contact['role'], answers = true): Contact {
  const key = name.toLowerCase().replaceAll(/[^a-z]+/g, '.');
  return { key, party, name, role, email: `${key}@${party}.example`, answers };
}

export const contactOf = (party: string, role: Contact['role']): Contact => {
  const found = CONTACTS.find((one) => one.party === party && one.role === role);
  if (!found) throw new Error(`nobody at ${party} is its ${role}`);
  return found;
};

/** Who looks after the platform on which copies lie. */
export const PLATFORM = contactNamed('Noor Haddad');

function contactNamed(name: string): Contact {
  const found = CONTACTS.find((one) => one.name === name);
  if (!found) throw new Error(`${name} is nobody's contact`);
  return found;
}

/** Every kind of place in which copies turn up, and what one is called here. */
export const PLACES: readonly {
  type: string;
  name: (one: CredentialFacts) => string;
  path: (one: CredentialFacts) => string;
  arrivedBy: string;
  provable: string;
}[] = [
  place(
    'vault',
    (c) => `Vault of ${c.integration.name}`,
    (c) => `kv/suppliers/${c.key}`,
    'stored',
    'store_api',
  ),
  place(
    'cluster_secret',
    (c) => `Cluster secret ${slug(c)}`,
    (c) => `shop/${slug(c)}`,
    'injected',
    'fingerprint',
  ),
  place(
    'ci_variable',
    (c) => `CI variable ${upper(c)}`,
    (c) => `group/shop/${upper(c)}`,
    'stored',
    'fingerprint',
  ),
  place(
    'env_file',
    (c) => `.env of ${c.integration.name}`,
    (c) => `/srv/${slug(c)}/.env`,
    'injected',
    'scan',
  ),
  place(
    'config_file',
    (c) => `Settings of ${c.integration.name}`,
    (c) => `/etc/${slug(c)}/settings.ini`,
    'stored',
    'scan',
  ),
  place(
    'log',
    (c) => `Debug log of ${c.integration.name}`,
    (c) => `s3://logs/${slug(c)}/debug`,
    'leaked',
    'scan',
  ),
  place(
    'browser_storage',
    () => 'Local storage of the back office',
    (c) => `backoffice/${slug(c)}`,
    'cached',
    'no',
  ),
  place(
    'developer_tool',
    () => 'Saved request of an API client',
    (c) => `workspace/shop/${slug(c)}`,
    'stored',
    'owner_statement',
  ),
  place(
    'laptop',
    () => 'Laptop of the integration team',
    (c) => `~/projects/${slug(c)}`,
    'cached',
    'owner_statement',
  ),
  place(
    'source',
    () => 'A branch that was never merged',
    (c) => `storefront/spike/${slug(c)}`,
    'leaked',
    'scan',
  ),
  place(
    'build_artefact',
    (c) => `Image of ${c.integration.name}`,
    (c) => `registry/shop/${slug(c)}:latest`,
    'forwarded',
    'scan',
  ),
  place(
    'support_export',
    () => 'Export for a support case',
    (c) => `cases/2026/${slug(c)}.zip`,
    'forwarded',
    'owner_statement',
  ),
  place(
    'screenshot',
    () => 'Screenshot in the team channel',
    (c) => `channel/shop/${slug(c)}.png`,
    'leaked',
    'no',
  ),
  place(
    'legacy_middleware',
    () => 'Message bus of the old warehouse',
    (c) => `bus/${slug(c)}`,
    'brokered',
    'owner_statement',
  ),
  place(
    'long_running_job',
    (c) => `Nightly job of ${c.integration.name}`,
    (c) => `jobs/${slug(c)}`,
    'injected',
    'fingerprint',
  ),
];

function place(
  type: string,
  name: (one: CredentialFacts) => string,
  path: (one: CredentialFacts) => string,
  arrivedBy: string,
  provable: string,
): (typeof PLACES)[number] {
  return { type, name, path, arrivedBy, provable };
}

const slug = (one: CredentialFacts): string => one.key.replaceAll('/', '-');
const upper = (one: CredentialFacts): string => slug(one).replaceAll('-', '_').toUpperCase();

/** Kinds of places that the platform team looks after, and clears when a copy in one of them has leaked. */
export const CLEARED_PLACES = [
  'vault',
  'cluster_secret',
  'ci_variable',
  'env_file',
  'config_file',
  'log',
  'build_artefact',
  'long_running_job',
];

/** 140 copies: three of each of the first 20 credentials, two of each of the other 40. */
export const LOCATIONS = 140;

export interface LocationFacts {
  key: string;
  credential: CredentialFacts;
  place: (typeof PLACES)[number];
  /** The party whose place it is. */
  party: string;
}

/** @param credentials by default the whole portfolio */
export function locationsOf(credentials: readonly CredentialFacts[] = CREDENTIALS): LocationFacts[] {
  let next = 0;
  return credentials.flatMap((credential, at) =>
    Array.from({ length: at < LOCATIONS - 2 * CREDENTIALS.length ? 3 : 2 }, (_, nth): LocationFacts => {
      // The first copy stands where it belongs.
      const where = nth === 0 ? PLACES[0] : PLACES[1 + (next++ % (PLACES.length - 1))];
      if (!where) throw new Error('there are no places');
      const supplierHolds = where.type === 'support_export';
      return {
        key: `${credential.key}#${nth + 1}`,
        credential,
        place: where,
        party: supplierHolds ? credential.supplier : OPERATOR,
      };
    }),
  );
}

export const SYSTEMS: readonly { key: string; name: string; type: string; party: string; reach: string[] }[] =
  [
    {
      key: 'web-shop',
      name: 'Web shop',
      type: 'application',
      party: OPERATOR,
      reach: ['Customer sign-in', 'Checkout payments', 'Storefront logs'],
    },
    {
      key: 'orders',
      name: 'Order database',
      type: 'database',
      party: OPERATOR,
      reach: ['Partner portal access', 'Checkout audit trail', 'Marketplace payouts'],
    },
    {
      key: 'customers',
      name: 'Customer register',
      type: 'database',
      party: OPERATOR,
      reach: ['Customer sign-in', 'Loyalty account linking', 'Mobile app diagnostics'],
    },
    {
      key: 'warehouse',
      name: 'Warehouse control',
      type: 'application',
      party: OPERATOR,
      reach: ['Warehouse telemetry', 'Freight booking', 'Parcel labels'],
    },
    {
      key: 'tills',
      name: 'Till network',
      type: 'network',
      party: OPERATOR,
      reach: ['Store till payments', 'Store tablet sign-in'],
    },
    {
      key: 'card-vault',
      name: 'Card vault',
      type: 'database',
      party: 'northwind',
      reach: ['Checkout payments', 'Subscription billing', 'Refunds desk'],
    },
    {
      key: 'log-store',
      name: 'Log store',
      type: 'storage',
      party: 'kestrel',
      reach: ['Edge access logs', 'Payment event archive', 'Storefront logs'],
    },
    {
      key: 'freight-desk',
      name: 'Freight desk',
      type: 'application',
      party: 'halden',
      reach: ['Returns collection', 'Customs declarations'],
    },
  ];
