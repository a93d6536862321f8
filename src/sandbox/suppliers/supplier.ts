import { z } from 'zod';
import type { Place } from '../ground/server.ts';
import type { CredentialBook } from './credential-book.ts';

export const issueSchema = z.strictObject({
  supplier: z.string().min(1).max(40),
  account: z.string().min(1).max(60).default('main'),
  count: z.int().min(1).max(10_000).default(1),
  label: z.string().max(200).default(''),
  narrow: z.boolean().default(false),
  canary: z.boolean().default(false),
  /** Sessions opened with each, which outlive it. */
  sessions: z.int().min(0).max(100).default(0),
  expiresInSeconds: z
    .int()
    .min(1)
    .max(10 * 366 * 86_400)
    .optional(),
});
export type IssueInput = z.input<typeof issueSchema>;
export type IssueOrder = z.output<typeof issueSchema>;

/** Said once, to whoever asked for it. */
export interface Issued {
  supplier: string;
  account: string;
  /** The supplier's own id. */
  id: string;
  value: string;
  sha256: string;
  label: string;
}

/** Somebody who issues credentials and is asked to kill them. */
export interface Supplier {
  readonly key: string;
  readonly title: string;
  /** How it can be asked to revoke. */
  readonly asked: 'oauth' | 'api' | 'mail';
  readonly book: CredentialBook;
  /** What it serves over HTTP; a supplier that can only be asked by mail serves nothing. */
  place(origin: string): Promise<Place> | null;
  issue(order: IssueOrder): Promise<Issued[]>;
  /** Revokes or revives behind the API's back. @returns how many changed */
  setState(ids: string[], state: 'live' | 'revoked'): Promise<number>;
  /** What somebody who manages this account at the supplier holds. */
  access(account: string): Promise<Record<string, string>>;
  close(): Promise<void>;
}

/** The book as its supplier's server writes it. */
export const recordOf = (book: CredentialBook): NonNullable<Place['record']> => ({
  log: book.log,
  journal: book.journal,
});
