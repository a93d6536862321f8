import type { GateFacts } from '../../src/domain/policy/facts.schema.ts';
import type { Limits, Policy } from '../../src/domain/policy/policy.schema.ts';
import { resolvePolicy, parsePolicy } from '../../src/domain/policy/inherit.rules.ts';
import type { PolicyFile } from '../../src/domain/policy/policy.schema.ts';
import { DUTIES } from '../../src/domain/responsibility/matrix.rules.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { ELAPSED_DAY } from '../../src/kernel/time.ts';
import { readdirSync, readFileSync } from 'node:fs';

export const NOW = Date.parse('2026-06-15T12:00:00Z');
export const days = (count: number) => count * ELAPSED_DAY;

/** The policy templates of the product, by name. */
export function policyTemplates(): Map<string, PolicyFile> {
  const folder = new URL('../../templates/policies/', import.meta.url);
  return new Map(
    readdirSync(folder)
      .filter((name) => name.endsWith('.yaml') && !name.endsWith('.test.yaml'))
      .map((name) => {
        const file = expectOk(parsePolicy(readFileSync(new URL(name, folder), 'utf8'), name), name);
        return [file.policy, file] as const;
      }),
  );
}

export function policyNamed(name: string): Policy {
  return expectOk(resolvePolicy(name, policyTemplates()), name);
}

export const BASELINE: Policy = policyNamed('baseline');
export const LIMITS: Limits = BASELINE.limits;

/** An integration that has everything: no rule of any template finds anything. A test takes something away. */
export function soundFacts(): GateFacts {
  return {
    integration: {
      id: 'int',
      key: 'int',
      source: 'test',
      reference: 'INT-2026-0001',
      name: 'Checkout',
      purpose: 'Take payments',
      state: 'approved',
      riskTier: 1,
      dataClass: 'cardholder',
      environments: ['production'],
      ownerContactId: 'us-desk',
      shadow: false,
    },
    parties: [
      party('us', 'Northwind', true, 'customer', 'us-desk'),
      party('them', 'Paylane', false, 'supplier', 'them-desk'),
    ],
    matrix: {
      id: 'mtx',
      number: 1,
      hash: 'aa',
      validUntil: null,
      rows: DUTIES.map((duty) => {
        const whose = ['issuance', 'revocation', 'monitoring'].includes(duty) ? 'them' : 'us';
        return {
          duty,
          part: '',
          credentialId: null,
          accountablePartyId: whose,
          performingPartyIds: [whose],
          contactId: `${whose}-desk`,
        };
      }),
      attestations: ['us', 'them'].map((partyId) => ({
        id: `att-${partyId}`,
        partyId,
        hash: 'aa',
        strength: 'account_mfa' as const,
        at: NOW - days(10),
        expiresAt: NOW + days(300),
        origin: 'recorded' as const,
      })),
    },
    agreement: {
      id: 'agr',
      key: 'agr',
      title: 'Payment services 2026',
      partyId: 'them',
      number: 1,
      reviewOn: '2026-12-01',
      validUntil: null,
      authority: 'revoke_now',
      approveWithinMinutes: null,
      containmentSteps: ['Revoke the leaked version'],
      terms: (['suspected', 'confirmed', 'contained'] as const).flatMap((trigger) =>
        (['to_party', 'from_party'] as const).map((direction) => ({
          id: `${direction}-${trigger}`,
          name: `${direction}-${trigger}`,
          direction,
          trigger,
          window: { count: 24, unit: 'elapsed-hours' as const },
          workingDays: 5,
          recipients: [direction === 'to_party' ? 'them-desk' : 'us-desk'],
        })),
      ),
    },
    credentials: [
      {
        id: 'crd',
        key: 'crd',
        name: 'Checkout token',
        kind: 'oauth_access_token',
        environment: 'production',
        purpose: 'Create payments',
        ownerContactId: 'us-desk',
        issuerPartyId: 'them',
        verifierPartyId: 'them',
        holderPartyIds: ['us'],
        revocability: 'instant',
        authority: null,
        scopes: [{ name: 'payments.write', description: '', justification: 'The shop takes payments' }],
        version: {
          number: 1,
          issuedAt: NOW - days(20),
          activatedAt: NOW - days(20),
          expiresAt: NOW + days(40),
        },
        paths: [path('path-us', 'us'), path('path-them', 'them')],
        locations: [
          {
            id: 'loc',
            name: 'Payments vault',
            kind: 'vault',
            arrivedBy: 'stored',
            partyId: 'us',
            ownerContactId: 'us-desk',
            provable: 'store_api',
            environments: ['production'],
          },
        ],
        sharedWith: [],
        sameValueAs: [],
      },
    ],
    runbooks: [
      {
        id: 'notification',
        title: 'Tell whom we promised to tell',
        beforeNotice: { minutes: 0, businessDays: 0, steps: [], sender: 'send' },
        addresses: [],
      },
    ],
    accessReviews: [],
  };
}

function party(
  id: string,
  name: string,
  operator: boolean,
  role: 'customer' | 'supplier',
  desk: string,
): GateFacts['parties'][number] {
  return {
    id,
    key: id,
    name,
    operator,
    roles: [role],
    verifiedAt: NOW - days(20),
    contacts: [
      {
        id: desk,
        key: desk,
        name: `${name} desk`,
        role: 'security',
        active: true,
        email: `desk@${id}.example`,
        phone: null,
        confirmedAt: NOW - days(30),
      },
    ],
  };
}

function path(id: string, partyId: string): GateFacts['credentials'][number]['paths'][number] {
  return {
    id,
    kind: 'connector',
    partyId,
    label: id,
    retired: false,
    expectedMinutes: 5,
    lastDrill: { id: `drill-${id}`, at: NOW - days(15), passed: true, minutes: 3, origin: 'recorded' },
  };
}

/** The sound facts with something changed. */
export function factsWhere(change: (facts: GateFacts) => void): GateFacts {
  const facts = soundFacts();
  change(facts);
  return facts;
}
