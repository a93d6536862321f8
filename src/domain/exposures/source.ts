import type { z } from 'zod';
import type { FieldProblem, Refusal } from '../../kernel/errors.ts';
import type { Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Millis } from '../../kernel/time.ts';

/**
 * Where exposure reports come from. Implemented under `plugins/sources/<key>/`, registered in
 * `plugins/sources/registry.ts`, proven by `test/contracts/source.contract.ts`. Pure but for `fetchMissing`: the judging
 * of a delivery needs no database and no network, so that a captured one can be judged offline.
 */
export interface Source {
  readonly key: string;
  readonly title: string;
  /** Bytes, unless the source's row says otherwise. A larger body is answered 413, and an alert says that a delivery was lost. */
  readonly bodyLimit: number;
  /** Where its own API is, unless the installation says otherwise. */
  readonly apiBaseUrl?: string;
  /** What is wrong with a key that somebody wants to set for such a source, or undefined. Never quotes it. */
  checkKey(key: Secret): string | undefined;
  /** It has no signed deliveries: what it finds comes as files, in the name of whoever hands them in. */
  readonly filesOnly?: true;
  /** What else of such a source must be set up. Absent: nothing. */
  readonly settingsSchema?: z.ZodType<SourceSettings>;
  /** Checks the signature over the raw bytes, before anything of them is used. */
  authenticate(
    delivery: RawDelivery,
    keys: readonly Secret[],
    now: Millis,
    settings?: SourceSettings,
  ): Result<Proven, Refusal> | Promise<Result<Proven, Refusal>>;
  /** Reads an authenticated body. Unknown events are acknowledged, not refused. */
  read(delivery: RawDelivery): Result<ReadDelivery, Refusal>;
  /** The same in steps, for deliveries that are long to read: between two of them others have their turn. */
  readInSteps?(delivery: RawDelivery): Generator<void, Result<ReadDelivery, Refusal>>;
  /** Reads a report that somebody hands in as a file. */
  readFile?(file: Buffer): Result<ReadDelivery, Refusal>;
  /** Where it publishes the keys that it signs with, as a document that `authenticate` takes for a key. Undefined: nowhere. */
  publishedKeysUrl?(settings: SourceSettings, apiBaseUrl: string | null): string | undefined;
  /** How its protocol wants to be answered; undefined: 202 with the delivery's id, or the refusal as a problem document. */
  answer?(outcome: Result<JudgedReport[], Refusal>, settings: SourceSettings): SourceAnswer | undefined;
  /** Whether `answer` needs to know which of the reported values are of credentials in the inventory. */
  readonly answersKnown?: true;
  /** Whether a sender who proves itself is told that the source is switched off; others are not told that there is one. */
  readonly saysWhenOff?: true;
  /** Asks for deliveries that wait there, for sources that are asked in place of calling. */
  poll?(request: PollRequest): Promise<Result<Polled, Refusal>>;
  /** Asks the source's own API for what the delivery left out. */
  fetchMissing?(
    report: Report,
    api: { baseUrl: string; token: Secret | null; signal: AbortSignal },
  ): Promise<Result<Report, Refusal>>;
  /**
   * Tells the source's own API that what it reported is revoked and proven dead. Asked again it says the same. `comment`
   * holds no secret. `unavailable`: it makes sense to ask again later.
   */
  closeReport?(
    report: { externalRef: string; comment: string },
    api: { baseUrl: string; token: Secret; signal: AbortSignal; now: Millis },
  ): Promise<Result<{ resolution: string }, Refusal>>;
}

/** What a source needs besides its keys; no secret. */
export type SourceSettings = Readonly<Record<string, string | boolean | undefined>>;

export interface Proven {
  /** Null: the sender names none, and the content is its name. */
  deliveryId: string | null;
}

/** One report of a delivery that was taken. `known`: its value is of a credential in the inventory. */
export interface JudgedReport {
  report: Report;
  known: boolean;
}

export interface SourceAnswer {
  status: number;
  /** Sent as JSON; absent: an empty body. */
  body?: unknown;
  headers?: Readonly<Record<string, string>>;
}

export interface PollRequest {
  settings: SourceSettings;
  token: Secret | null;
  signal: AbortSignal;
  /** Ids of deliveries that are safely stored. */
  done: readonly string[];
  /** Those that were refused, by id. */
  refused: Readonly<Record<string, Refusal>>;
  /** Only to say what was done: no further ones are asked for. */
  last: boolean;
}

export interface Polled {
  deliveries: { id: string; delivery: RawDelivery }[];
  more: boolean;
}

/** Injection token of every registered source: `@Inject(SOURCES) sources: readonly Source[]`. */
export const SOURCES = Symbol('exposure sources');

export interface RawDelivery {
  /** Lower-case names. */
  headers: Readonly<Record<string, string | undefined>>;
  body: Buffer;
}

export interface ReadDelivery {
  /** What the source calls it: `secret_scanning_alert.created`. */
  event: string;
  /** Made of signed content only, since a delivery id may not be signed: same content, same key. */
  contentKey: string;
  reports: Report[];
  /** Why an authentic delivery reports nothing: `ping`, an event we do not use. */
  acknowledged?: string;
  /** Entries beside the reports that cannot be read, each by its first problem: they are lost, and an alert says so. */
  unread?: readonly FieldProblem[];
}

/** One leaked secret as one source tells of it. */
export interface Report {
  /** The source's own name of the leak, stable over its updates: `owner/repo#42`. */
  externalRef: string;
  /** Where leaks belong together: `github:owner/repo`. While its incident is open, a further leak at one place joins it. */
  place?: string;
  /** The value, if the source carries it. Fingerprinted at the door, then dropped. */
  value: Secret | null;
  /** Lower-case hex SHA-256 of the value, where the source gives only that. */
  sha256?: string;
  /** The supplier's id of the credential, where the source knows it: a metadata match, never acted on unattended. */
  supplierId?: string;
  kind?: string;
  /** When the source says that the leak came about: of a commit, a posting. Nobody knew of it then, and no clock starts. */
  occurredAt?: Millis;
  /** When the source says that the leak was found. */
  detectedAt?: Millis;
  /** Where it was seen, for people; no secret. */
  foundAt: FoundAt[];
  /** What the source says of the credential now. */
  sourceSays?: 'live' | 'dead' | 'unknown';
  publiclyLeaked?: boolean;
  /** The source says that it is over: an update, not a new leak. */
  resolved?: string;
  /** As of when the source says all this. Deliveries come in any order; what is older changes nothing. */
  asOf?: Millis;
}

export interface FoundAt {
  type: string;
  url?: string;
  path?: string;
  line?: number;
}
