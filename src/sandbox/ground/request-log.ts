import type { RequestKind } from './faults.ts';
import type { Journal } from './journal.ts';

/** One request as the inhabitant saw it. No value of a credential is in it. */
export interface LoggedRequest {
  /** Counts from 1 at this inhabitant, in the order of arrival, over restarts. */
  seq: number;
  /** UTC milliseconds. */
  at: number;
  method: string;
  /** Without the query. */
  path: string;
  kind: RequestKind;
  /** The supplier's id of the credential that it was about, where one could be told. */
  credential: string | null;
  account: string | null;
  idempotencyKey: string | null;
  /** What was, or would have been, answered; null when the world stopped before it knew. */
  status: number | null;
  /** Whether the answer was handed to the network. */
  answered: boolean;
  fault: string | null;
}

export type RequestRecord =
  | { t: 'request'; request: Omit<LoggedRequest, 'status' | 'answered' | 'fault'> }
  | { t: 'answer'; seq: number; status: number | null; answered: boolean; fault: string | null };

/**
 * The ordered request log. Arrivals are written to the journal before the effect they cause, so after a crash an effect
 * without its request cannot be found.
 */
export class RequestLog {
  private readonly requests: LoggedRequest[] = [];
  private last = 0;

  constructor(private readonly keep = 200_000) {}

  replay(record: RequestRecord): void {
    if (record.t === 'request')
      this.remember({ ...record.request, status: null, answered: false, fault: null });
    else this.settle(record);
  }

  /** The log's own clock never runs backwards, so that ordering by time is ordering by arrival. */
  arrive(
    journal: Journal<RequestRecord>,
    request: Omit<LoggedRequest, 'seq' | 'at' | 'status' | 'answered' | 'fault'>,
  ): number {
    const at = Math.max(Date.now(), this.requests.at(-1)?.at ?? 0);
    const arrived = { ...request, seq: this.last + 1, at };
    this.remember({ ...arrived, status: null, answered: false, fault: null });
    // Its failure is met again by whoever waits for the answer's record.
    journal.append({ t: 'request', request: arrived }).catch(() => undefined);
    return arrived.seq;
  }

  async answer(
    journal: Journal<RequestRecord>,
    seq: number,
    answer: { status: number | null; answered: boolean; fault: string | null },
  ): Promise<void> {
    const record = { t: 'answer', seq, ...answer } as const;
    this.settle(record);
    await journal.append(record);
  }

  /** @returns at most `limit` requests after `after`, oldest first */
  read(after = 0, limit = 10_000): LoggedRequest[] {
    const from = this.requests.findIndex((request) => request.seq > after);
    return from < 0 ? [] : this.requests.slice(from, from + limit);
  }

  private remember(request: LoggedRequest): void {
    this.last = request.seq;
    this.requests.push(request);
    if (this.requests.length > this.keep) this.requests.splice(0, Math.ceil(this.keep / 10));
  }

  private settle(record: Extract<RequestRecord, { t: 'answer' }>): void {
    const request = this.requests[record.seq - (this.requests[0]?.seq ?? 1)];
    if (request?.seq !== record.seq) return;
    request.status = record.status;
    request.answered = record.answered;
    request.fault = record.fault;
  }
}
