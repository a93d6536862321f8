import type { z } from 'zod';
import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';
import type { StoreAccess } from '../../platform/vault/store.ts';
import type { AnswerRow } from '../../platform/http/answer-table.rules.ts';

/**
 * How to reach one kind of supplier. Implemented under `plugins/connectors/<key>/`, registered in
 * `plugins/connectors/registry.ts`, proven by `test/contracts/connector.contract.ts`: dead twice is dead, gone is dead,
 * unknown is never dead, no secret in any error.
 *
 * A connector reports one exchange and says what it means. It never decides that a credential is dead for good: that
 * takes a positive control, and `domain/revocation` weighs both (`death.rules.ts`).
 */
export interface Connector<Settings = unknown> {
  readonly key: string;
  readonly title: string;
  /** What a preset or connection must say for this connector. */
  readonly settings: z.ZodType<Settings>;
  readonly capabilities: readonly Capability[];
  /** Whether its requests show the connection's client certificate where it has one (`platform/http/client-certificate.ts`). */
  readonly mutualTls?: true;
  revocability(settings: Settings, credentialKind: string): Revocability;
  /** What these settings can do by machine, and what it takes; for one kind of credential where it is given. */
  abilities(settings: Settings, credentialKind?: string): Abilities;
  /** What each answer means under these settings, part by part. The probe judges by its own part, so that both agree. */
  readings?(settings: Settings): readonly Reading[];
  revoke?(target: Target<Settings>, call: Call): Promise<RevokeAnswer>;
  /** Tries the credential (or the control canary, when `target.value` is that) at its verifier. */
  probe?(target: Target<Settings>, call: Call): Promise<ProbeAnswer>;
  /** Whether our own authentication is accepted right now, on the path that the probe uses. */
  checkOwnAuthentication?(target: Target<Settings>, call: Call): Promise<ProbeAnswer>;
  endSessions?(target: Target<Settings>, call: Call): Promise<SessionsAnswer>;
  /**
   * Removes for good what `revoke` left so that it could be undone (`abilities().clearAway`). Only after the proof: what
   * is gone cannot be probed any more. No part of a proof itself.
   */
  clearAway?(target: Target<Settings>, call: Call): Promise<RevokeAnswer>;
  /**
   * Makes a new version of the credential that the target names, beside the old one or in its place (`abilities().issue`).
   * Whoever calls never repeats it after a lost answer without having looked with `listIssued`.
   */
  issue?(target: Target<Settings>, request: IssueRequest, call: Call): Promise<IssueAnswer>;
  /** What the supplier holds for the same slot: settles an `issue` whose answer was lost. Never brings a value. */
  listIssued?(target: Target<Settings>, call: Call): Promise<ListAnswer>;
  /** When the supplier last saw the credential used, as it states it. */
  listUsage?(target: Target<Settings>, call: Call): Promise<UsageAnswer>;
  /** What our own authentication is good for, where it ends by itself. @throws OutsideProblem */
  ownAccess?(at: OwnAuthentication<Settings>, call: Call): Promise<StoreAccess>;
  /** Prolongs it, as far as the supplier lets us. @throws OutsideProblem */
  renewOwnAccess?(at: OwnAuthentication<Settings>, call: Call): Promise<StoreAccess>;
  /** What of an entry's name and field the store cannot take; null: nothing. Every connector with entries has it. */
  entryProblem?(entry: Pick<StoreEntry<Settings>, 'settings' | 'entry' | 'field'>): EntryProblem | null;
  /** Every version of an entry of a store that readers may still get. */
  readEntry?(entry: StoreEntry<Settings>, call: Call): Promise<EntryReading>;
  /** Puts a value into an entry of a store, beside its other fields; once it is there, asking again changes nothing. */
  writeEntry?(entry: StoreEntry<Settings>, value: Secret, call: Call): Promise<EntryWritten>;
}

/** `value`: needs the secret's value. `id`: the supplier's id is enough. `no`: not by machine. */
export interface Abilities {
  revoke: 'value' | 'id' | 'no';
  probe: 'value' | 'id' | 'no';
  ownAuthentication: boolean;
  /** Whether asking about sessions can tell more than "unknown". */
  endSessions: boolean;
  /** Whether `revoke` leaves something that can be undone and is to be cleared away after the proof. Absent: no. */
  clearAway?: boolean;
  /**
   * `adds`: a new version works beside the old one. `replaces`: the old one dies as the new one is made, so there is no
   * overlap and no way back. `no`: not by machine.
   */
  issue: 'adds' | 'replaces' | 'no';
  /** Absent: as the connector's capabilities say. */
  listUsage?: boolean;
  /** Whether the probe asks the issuer about the credential and does not present it. Absent: as the connector's capabilities say. */
  introspect?: boolean;
}

/** One thing that a connector asks of a supplier, and what the answers to it mean. First row that fits wins. */
export interface Reading {
  part: 'revoke' | 'probe' | 'ownAuthentication' | 'endSessions' | 'issue' | 'listIssued' | 'listUsage';
  /** Method and path, with the names of what is filled in: `GET /v3/scopes`. */
  asks: string;
  rows: readonly AnswerRow[];
}

export type Capability = 'issue' | 'revoke' | 'probe' | 'endSessions' | 'listUsage' | 'introspect';
export const REVOCABILITIES = ['instant', 'delayed', 'expiry_only', 'manual', 'impossible'] as const;
export type Revocability = (typeof REVOCABILITIES)[number];

/** One credential version at one supplier account, with what is needed to speak about it. */
export interface Target<Settings> {
  settings: Settings;
  /** Where the supplier is; a connection may override a preset's base URL. */
  baseUrl: string;
  /** Our own authentication at the supplier, by name as the settings refer to them: `client_id`, `client_secret`. */
  auth: Readonly<Record<string, Secret>>;
  credentialKind: string;
  /** The supplier's own id for the version. */
  supplierId: string | null;
  /** The value under test, where it is at hand. */
  value: Secret | null;
}

export interface IssueRequest {
  /** Marks the new version at the supplier where it takes a name, so that a lost answer can be settled by looking. */
  label: string;
  /** When it is to end by itself, where the supplier lets one choose; null: as the supplier does it. */
  expiresAt: Millis | null;
}

/** A version that the supplier made. */
export interface Issued {
  supplierId: string | null;
  value: Secret;
  expiresAt: Millis | null;
  /** Our own authentication that changed in the same stroke (RFC 7592 §2.1: a new registration access token), by name. */
  auth?: Readonly<Record<string, Secret>>;
}

export type IssueAnswer =
  | { outcome: 'issued'; issued: Issued; exchange: Exchange }
  /** The supplier will not: wrong request, not allowed, its limit of versions reached. */
  | {
      outcome: 'rejected';
      why: string;
      exchange: Exchange;
      /** The answer is about our own authentication. */
      ownAuthentication?: boolean;
      /** Our own authentication that changed all the same, by name: lost unless it is kept. */
      auth?: Readonly<Record<string, Secret>>;
    }
  /** Certainly not made; the supplier asks for another try. */
  | { outcome: 'retry'; why: string; after?: Millis; exchange: Exchange }
  /** Perhaps made. */
  | { outcome: 'unknown'; why: string; exchange: Exchange }
  | { outcome: 'manual'; instructions: string };

export type ListAnswer =
  | { outcome: 'listed'; versions: readonly ListedVersion[]; exchange: Exchange }
  | { outcome: 'unknown'; why: string; retryAfter?: Millis; exchange: Exchange | null };

export interface ListedVersion {
  supplierId: string;
  label: string | null;
  createdAt: Millis | null;
  expiresAt: Millis | null;
  lastUsedAt: Millis | null;
}

export type UsageAnswer =
  /** `lastUsedAt` null: the supplier has seen no use in the time that it looks back; that is not "never". */
  | { outcome: 'stated'; lastUsedAt: Millis | null; where: string | null; exchange: Exchange }
  | { outcome: 'unknown'; why: string; exchange: Exchange | null };

export interface Call {
  idempotencyKey: string;
  signal: AbortSignal;
  now(): Millis;
}

/** What went over the wire, fit to be kept: no secret, no control characters, at most 2,000 characters of body. */
export interface Exchange {
  method: string;
  /** With every secret and query value masked. */
  url: string;
  status: number | null;
  /** Of the answer's body, redacted. */
  extract: string;
  startedAt: Millis;
  endedAt: Millis;
  /** Absent when an answer came. */
  failure?: 'refused_by_guard' | 'dns' | 'connect' | 'tls' | 'timeout' | 'too_large' | 'aborted' | 'protocol';
}

export type RevokeAnswer =
  /** The supplier says that it did, or will do, it. Not a proof. */
  | { outcome: 'accepted'; exchange: Exchange }
  /** The supplier says that there is no such credential. Not a proof either. */
  | { outcome: 'gone'; exchange: Exchange }
  /** The supplier will not: wrong request, not allowed, not supported. */
  | { outcome: 'rejected'; why: string; exchange: Exchange; ownAuthentication?: boolean }
  /** The supplier asks for another try. */
  | { outcome: 'retry'; why: string; after?: Millis; exchange: Exchange }
  /** Sent, and no answer that tells what happened. */
  | { outcome: 'unknown'; why: string; exchange: Exchange }
  /** No machine path: a person must do it. */
  | { outcome: 'manual'; instructions: string };

export type Verdict = 'live' | 'dead' | 'indeterminate';
export interface ProbeAnswer {
  verdict: Verdict;
  /** One sentence: which answer led to the verdict. */
  why: string;
  exchange: Exchange | null;
  retryAfter?: Millis;
}

export type SessionsAnswer =
  | { outcome: 'ended'; exchange: Exchange }
  | { outcome: 'residual'; until: Millis; why: string; exchange?: Exchange }
  | { outcome: 'none'; why: string }
  | { outcome: 'retry'; why: string; after?: Millis; exchange: Exchange }
  | { outcome: 'unknown'; why: string; exchange?: Exchange };

/**
 * An entry of a store from which a system of ours, or of the customer, reads a credential that somebody else issued. A
 * connector that can read and write entries keeps such copies up to date; what a store holds says nothing of the
 * credential at its issuer.
 */
export interface StoreEntry<Settings> {
  settings: Settings;
  baseUrl: string;
  /** Our own authentication at the store. */
  auth: Readonly<Record<string, Secret>>;
  /** As the store names it: a path, a name. */
  entry: string;
  /** Within the entry; null: the value is the whole of it. */
  field: string | null;
}

/** Who we are at one supplier account. */
export type OwnAuthentication<Settings> = Pick<StoreEntry<Settings>, 'settings' | 'baseUrl' | 'auth'>;

export interface EntryProblem {
  about: 'connectionId' | 'entry' | 'field';
  why: string;
  mend: string;
}

/** One version of an entry, as the store keeps it. */
export interface HeldValue {
  /** For people: "version 4". */
  name: string;
  /** Whether readers get this one unless they ask for another. */
  current: boolean;
  /** null: this version has no such field. */
  value: Secret | null;
}

export type EntryReading =
  /** `unread`: how many more versions are there that nobody could read: deleted and not destroyed, or too many. */
  | { outcome: 'read'; held: readonly HeldValue[]; unread: number; exchange: Exchange }
  | { outcome: 'unknown'; why: string; retryAfter?: Millis; exchange: Exchange };

export type EntryWritten =
  /** `name`: of the version that readers get from now on. `held`: it was there already. */
  | { outcome: 'written' | 'held'; name: string; exchange: Exchange }
  /** The store will not: not allowed, no such entry, not of the form. */
  | { outcome: 'rejected'; why: string; exchange: Exchange }
  /** Certainly not written, or perhaps: another try reads first, and so is safe. */
  | { outcome: 'retry'; why: string; after?: Millis; exchange: Exchange };

/** At most so many versions of an entry are read. */
export const MOST_VERSIONS = 20;
