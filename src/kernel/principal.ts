import type { Id } from './ids.ts';

export const ROLES = [
  'admin',
  'vendor_risk',
  'responder',
  'contract_owner',
  'integration_engineer',
  'auditor',
  'party_contact',
] as const;
export type Role = (typeof ROLES)[number];

/**
 * Who acts. A plain value, born at an edge (route, job, CLI, link) and handed down; nothing below asks for "the current
 * user" any other way.
 *
 * `partyId` null means the installation itself: operator staff or the system. Anyone else sees and touches only rows of
 * the integrations that the party is in; row-level security holds the same line.
 */
export interface Principal {
  kind: 'user' | 'token' | 'link' | 'source' | 'machine' | 'system';
  /** Of the user, token, link, source or machine identity; a fixed word for the system ("engine", "import", "cli"). */
  id: string;
  /** The person behind a user or link, where one is known. */
  personId?: Id;
  /** Of a token that belongs to no account: the person who made it, or the word for what did. */
  madeBy?: string;
  roles: readonly Role[];
  /** Narrower than the roles, for tokens and links. Absent: what the roles give. */
  permissions?: readonly string[];
  /** Beside the roles: what was given to a signed-in person until an instant, and is in force now. */
  temporary?: readonly string[];
  partyId: Id | null;
  /** From delivery to last notice the same. */
  correlationId: string;
  /** The caller's address as the edge saw it; personal data. */
  ip?: string;
}

/**
 * Whose hand acts: what two pairs of eyes are told apart by, wherever one asks and another one approves. The person where
 * one is known, by whatever session or token they come; else whoever made the token. Never the token: one may hold many.
 */
export function handOf(by: Pick<Principal, 'id' | 'personId' | 'madeBy'>): string {
  return by.personId ?? by.madeBy ?? by.id;
}

/**
 * Whether a person signed in, just as they are. A token of their account acts as them with permissions of its own, and says
 * nothing of how they would prove who they are.
 */
export function isSignedIn(by: Pick<Principal, 'kind' | 'permissions'>): boolean {
  return by.kind === 'user' && by.permissions === undefined;
}

/** The system acting on its own behalf. `as` names the part: "engine", "sequencer", "cli". */
export function system(as: string, correlationId: string): Principal {
  return { kind: 'system', id: as, roles: [], partyId: null, correlationId };
}
