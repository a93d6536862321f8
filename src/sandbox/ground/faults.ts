import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Journal } from './journal.ts';

/** What a request is for, as the supplier that receives it would say. */
export const REQUEST_KINDS = [
  'issue',
  'revoke',
  'probe',
  'introspect',
  'read',
  'sessions',
  'token',
  'other',
] as const;
export type RequestKind = (typeof REQUEST_KINDS)[number];

/**
 * Ways in which the outside world fails.
 *
 * HTTP: `down` nobody listens; `too_many` 429 with Retry-After; `error` 500 or `status`; `lie` the usual success, and
 * nothing done; `accept_never` 202, and nothing done; `lose_answer` done, then the connection is cut; `hold_answer`
 * done, and the answer never leaves; `slow` after `delayMs`; `black_hole` taken, never answered, nothing done; `garbage`
 * 200 with a page that is no answer.
 * Mail: `down`; `tempfail` 451; `reject` 550; `accept_then_drop` kept, then the connection is cut before the 250; `slow`.
 */
export const FAULT_KINDS = [
  'down',
  'too_many',
  'error',
  'lie',
  'accept_never',
  'lose_answer',
  'hold_answer',
  'slow',
  'black_hole',
  'garbage',
  'tempfail',
  'reject',
  'accept_then_drop',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export const faultSchema = z.strictObject({
  /** A supplier's key, `github` or `mail`. */
  target: z.string().min(1).max(40),
  kind: z.enum(FAULT_KINDS),
  match: z
    .strictObject({
      method: z.string().max(10).optional(),
      /** The beginning of the path. */
      path: z.string().max(200).optional(),
      kind: z.enum(REQUEST_KINDS).optional(),
      credential: z.string().max(200).optional(),
      /** Mail: the recipient, lower case. */
      address: z.string().max(320).optional(),
    })
    .optional(),
  /** How many requests it spoils before it ends; without it, until it is taken away. */
  times: z.int().min(1).max(1_000_000).optional(),
  status: z.int().min(400).max(599).optional(),
  retryAfterSeconds: z.int().min(0).max(86_400).optional(),
  delayMs: z.int().min(1).max(600_000).optional(),
});
export type FaultInput = z.input<typeof faultSchema>;
export type Fault = z.output<typeof faultSchema> & { id: string };

/** Without a `match` of its own, a fault about an effect spoils revocations only, or no probe could tell the truth. */
const ABOUT_EFFECTS = new Set<FaultKind>(['lie', 'accept_never', 'lose_answer', 'hold_answer']);

export interface Approach {
  method?: string;
  path?: string;
  kind?: RequestKind;
  credential?: string | null;
  address?: string;
}

export function faultMatches(fault: Fault, approach: Approach): boolean {
  const match = fault.match;
  if (!match) return !ABOUT_EFFECTS.has(fault.kind) || approach.kind === 'revoke';
  return (
    (match.method === undefined || match.method.toUpperCase() === approach.method) &&
    (match.path === undefined || (approach.path ?? '').startsWith(match.path)) &&
    (match.kind === undefined || match.kind === approach.kind) &&
    (match.credential === undefined || match.credential === approach.credential) &&
    (match.address === undefined || match.address.toLowerCase() === approach.address)
  );
}

type FaultRecord = { t: 'on'; fault: Fault } | { t: 'off'; id: string } | { t: 'used'; id: string };

/** The faults in force, kept over a restart of the world. */
export class Faults {
  private readonly inForce = new Map<string, Fault>();
  private readonly listeners: (() => Promise<void>)[] = [];
  private journal: Journal<FaultRecord>;

  static async open(file: string): Promise<Faults> {
    const faults = new Faults();
    faults.journal = await Journal.open<FaultRecord>(file, { replay: (record) => faults.apply(record) });
    return faults;
  }

  list(target?: string): Fault[] {
    return [...this.inForce.values()].filter((fault) => target === undefined || fault.target === target);
  }

  isDown(target: string): boolean {
    return this.list(target).some((fault) => fault.kind === 'down');
  }

  /** The first fault that spoils this; counts it. */
  take(target: string, approach: Approach): Fault | null {
    const fault = this.list(target).find((f) => f.kind !== 'down' && faultMatches(f, approach));
    if (!fault) return null;
    if (fault.times !== undefined) {
      // Not awaited: a fault that a crash makes strike once more is no lie of the world.
      void this.write({ t: 'used', id: fault.id }).catch(() => undefined);
    }
    return { ...fault };
  }

  async put(input: Omit<Fault, 'id'>): Promise<Fault> {
    const fault = { ...input, id: randomUUID() };
    await this.write({ t: 'on', fault });
    return fault;
  }

  /** @returns how many were taken away */
  async clear(which: { id?: string; target?: string }): Promise<number> {
    const gone = this.list(which.target).filter((f) => which.id === undefined || f.id === which.id);
    for (const fault of gone) await this.write({ t: 'off', id: fault.id });
    return gone.length;
  }

  /** Called after each change of what is in force, and waited for: a fault that was put is in force. */
  onChange(listener: () => Promise<void>): void {
    this.listeners.push(listener);
  }

  close(): Promise<void> {
    return this.journal.close();
  }

  private async write(record: FaultRecord): Promise<void> {
    this.apply(record);
    await this.journal.append(record);
    for (const listener of this.listeners) await listener();
  }

  private apply(record: FaultRecord): void {
    if (record.t === 'on') this.inForce.set(record.fault.id, record.fault);
    else if (record.t === 'off') this.inForce.delete(record.id);
    else {
      const fault = this.inForce.get(record.id);
      if (fault?.times !== undefined && (fault.times -= 1) < 1) this.inForce.delete(record.id);
    }
  }
}
