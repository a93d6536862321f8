import { randomUUID } from 'node:crypto';
import { join } from 'node:path';
import { Journal } from '../ground/journal.ts';
import { RequestLog } from '../ground/request-log.ts';
import type { LoggedRequest, RequestRecord } from '../ground/request-log.ts';
import { randomText, sha256 } from '../ground/sealing.ts';
import type { Sealing } from '../ground/sealing.ts';

/** One credential as its supplier keeps it: by the hash of its value. */
export interface BookedCredential {
  /** The supplier's own id. */
  id: string;
  account: string;
  sha256: string;
  label: string;
  /** Accepted, but allowed almost nothing. */
  narrow: boolean;
  /** Kept alive by its supplier as a control. */
  canary: boolean;
  state: 'live' | 'revoked';
  /** UTC milliseconds. */
  issuedAt: number;
  expiresAt: number | null;
  revokedAt: number | null;
  /** How often it went from live to revoked. */
  revocations: number;
  /** What the supplier's own software keeps beside it. */
  extra?: object;
}

export interface BookedAccount {
  account: string;
  /** `management` may see and end everything; `ordinary` its own. */
  role: 'management' | 'ordinary';
  /** SHA-256 of the account's secret. */
  sha256: string;
  sealed: string;
}

interface Session {
  sha256: string;
  subject: string;
  until: number;
}

export type BookRecord =
  | RequestRecord
  | { t: 'account'; account: BookedAccount }
  | { t: 'issued'; credentials: BookedCredential[] }
  | { t: 'state'; ids: string[]; state: 'live' | 'revoked'; at: number }
  | { t: 'session'; sessions: Session[] }
  | { t: 'sessions-ended'; subject: string; at: number }
  | { t: 'kept'; account: string; key: string; bodyHash: string; sealed: string }
  | { t: 'oidc'; model: string; id: string; payload: object | null };

export interface CredentialTruth extends Omit<BookedCredential, 'extra' | 'state'> {
  supplier: string;
  state: 'live' | 'revoked' | 'expired';
  sessions: number;
}
export interface SupplierTruth {
  supplier: string;
  credentials: CredentialTruth[];
  requests: LoggedRequest[];
}

/**
 * A supplier's durable book: accounts, credentials, sessions and the ordered request log, in one file, so that what was
 * asked and what came of it cannot part in a crash. Reads see a change at once; nobody is answered before it is on disk.
 */
export class CredentialBook {
  readonly log = new RequestLog();
  journal: Journal<BookRecord>;
  private readonly byId = new Map<string, BookedCredential>();
  private readonly byHash = new Map<string, BookedCredential>();
  private readonly accounts = new Map<string, BookedAccount>();
  private readonly sessions = new Map<string, Session>();
  private readonly kept = new Map<string, { bodyHash: string; sealed: string }>();
  /** Records of the supplier's own software, by model and id. */
  readonly oidc = new Map<string, object>();

  private constructor(
    readonly supplier: string,
    private readonly sealing: Sealing,
  ) {}

  static async open(dir: string, supplier: string, sealing: Sealing): Promise<CredentialBook> {
    const book = new CredentialBook(supplier, sealing);
    book.journal = await Journal.open<BookRecord>(join(dir, `${supplier}.jsonl`), {
      replay: (record) => book.apply(record),
    });
    return book;
  }

  close(): Promise<void> {
    return this.journal.close();
  }

  credential(id: string): BookedCredential | null {
    return this.byId.get(id) ?? null;
  }

  credentialOf(value: string | null): BookedCredential | null {
    return value === null ? null : (this.byHash.get(sha256(value)) ?? null);
  }

  credentialByHash(hash: string): BookedCredential | null {
    return this.byHash.get(hash) ?? null;
  }

  *credentials(): Iterable<BookedCredential> {
    yield* this.byId.values();
  }

  /** Accepted right now. */
  isLive(credential: BookedCredential | null): credential is BookedCredential {
    return (
      credential?.state === 'live' && (credential.expiresAt === null || credential.expiresAt > Date.now())
    );
  }

  async add(credentials: BookedCredential[]): Promise<void> {
    await this.write({ t: 'issued', credentials });
  }

  /** @returns how many changed */
  async setState(ids: string[], state: 'live' | 'revoked'): Promise<number> {
    const changing = ids.filter((id) => this.byId.has(id) && this.byId.get(id)?.state !== state);
    if (changing.length > 0) await this.write({ t: 'state', ids: changing, state, at: Date.now() });
    return changing.length;
  }

  /** Makes the account with a fresh secret, or gives the one that is there. */
  async account(
    name: string,
    role: BookedAccount['role'],
  ): Promise<{ account: string; role: BookedAccount['role']; secret: string }> {
    const known = this.accounts.get(name);
    if (known) return { account: name, role: known.role, secret: this.sealing.unseal(known.sealed) };
    const secret = `adm_${randomText(40)}`;
    const account = { account: name, role, sha256: sha256(secret), sealed: this.sealing.seal(secret) };
    await this.write({ t: 'account', account });
    return { account: name, role, secret };
  }

  accountNamed(name: string): { account: string; role: BookedAccount['role']; secret: string } | null {
    const known = this.accounts.get(name);
    return known ? { account: name, role: known.role, secret: this.sealing.unseal(known.sealed) } : null;
  }

  accountBySecret(secret: string | null): BookedAccount | null {
    if (secret === null) return null;
    const hash = sha256(secret);
    for (const account of this.accounts.values()) if (account.sha256 === hash) return account;
    return null;
  }

  /** Opens sessions that outlive the credential. @returns their ids, said once */
  async openSessions(subject: string, count: number, forMs: number): Promise<string[]> {
    const ids = Array.from({ length: count }, () => `ses_${randomText(32)}`);
    const until = Date.now() + forMs;
    const sessions = ids.map((id) => ({ sha256: sha256(id), subject, until }));
    if (count > 0) await this.write({ t: 'session', sessions });
    return ids;
  }

  sessionOf(id: string | null): Session | null {
    const session = id === null ? undefined : this.sessions.get(sha256(id));
    return session && session.until > Date.now() ? session : null;
  }

  countSessions(subject: string): number {
    let count = 0;
    for (const session of this.sessions.values()) {
      if (session.subject === subject && session.until > Date.now()) count += 1;
    }
    return count;
  }

  /** @returns how many were ended */
  async endSessions(subject: string): Promise<number> {
    const ended = this.countSessions(subject);
    if (ended > 0) await this.write({ t: 'sessions-ended', subject, at: Date.now() });
    return ended;
  }

  /** An answer kept under an idempotency key, so that the same question gets it again. */
  keptAnswer(account: string, key: string): { bodyHash: string; text: string } | null {
    const kept = this.kept.get(`${account}\n${key}`);
    return kept ? { bodyHash: kept.bodyHash, text: this.sealing.unseal(kept.sealed) } : null;
  }

  /** The issued credential and the answer that tells of it, in one write. */
  async addWithAnswer(
    credential: BookedCredential,
    answer: { key: string; bodyHash: string; text: string } | null,
  ): Promise<void> {
    const records: BookRecord[] = [{ t: 'issued', credentials: [credential] }];
    if (answer) {
      const { key, bodyHash, text } = answer;
      records.push({
        t: 'kept',
        account: credential.account,
        key,
        bodyHash,
        sealed: this.sealing.seal(text),
      });
    }
    await this.write(...records);
  }

  putOidc(model: string, id: string, payload: object | null): Promise<void> {
    return this.write({ t: 'oidc', model, id, payload });
  }

  truth(o: { after?: number; limit?: number } = {}): SupplierTruth {
    return {
      supplier: this.supplier,
      credentials: [...this.byId.values()].map((booked) => {
        const { extra: _, ...credential } = booked;
        return {
          ...credential,
          supplier: this.supplier,
          state: credential.state === 'live' && !this.isLive(booked) ? 'expired' : credential.state,
          sessions: this.countSessions(credential.id),
        };
      }),
      requests: this.log.read(o.after, o.limit),
    };
  }

  private async write(...records: BookRecord[]): Promise<void> {
    for (const record of records) this.apply(record);
    await this.journal.append(records);
  }

  private apply(record: BookRecord): void {
    switch (record.t) {
      case 'request':
      case 'answer':
        return this.log.replay(record);
      case 'account':
        this.accounts.set(record.account.account, record.account);
        return;
      case 'issued':
        for (const credential of record.credentials) {
          this.byId.set(credential.id, { ...credential });
          const kept = this.byId.get(credential.id);
          if (kept) this.byHash.set(credential.sha256, kept);
        }
        return;
      case 'state':
        for (const id of record.ids) {
          const credential = this.byId.get(id);
          if (!credential) continue;
          credential.state = record.state;
          credential.revokedAt = record.state === 'revoked' ? record.at : null;
          if (record.state === 'revoked') credential.revocations += 1;
        }
        return;
      case 'session':
        for (const session of record.sessions) this.sessions.set(session.sha256, session);
        return;
      case 'sessions-ended':
        for (const [key, session] of this.sessions) {
          if (session.subject === record.subject) this.sessions.delete(key);
        }
        return;
      case 'kept':
        this.kept.set(`${record.account}\n${record.key}`, record);
        return;
      case 'oidc':
        if (record.payload) this.oidc.set(`${record.model}\n${record.id}`, record.payload);
        else this.oidc.delete(`${record.model}\n${record.id}`);
    }
  }
}

/** A fresh entry for the book. */
export function bookedCredential(o: {
  id?: string;
  account: string;
  value: string;
  label: string;
  narrow?: boolean;
  canary?: boolean;
  expiresAt?: number | null;
  extra?: object;
}): BookedCredential {
  return {
    id: o.id ?? `cred_${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    account: o.account,
    sha256: sha256(o.value),
    label: o.label,
    narrow: o.narrow ?? false,
    canary: o.canary ?? false,
    state: 'live',
    issuedAt: Date.now(),
    expiresAt: o.expiresAt ?? null,
    revokedAt: null,
    revocations: 0,
    ...(o.extra ? { extra: o.extra } : {}),
  };
}
