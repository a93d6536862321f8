import type { Refusal } from '../../kernel/errors.ts';
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
  /** Bytes. A larger body is answered 413, and an alert says that a delivery was lost. */
  readonly bodyLimit: number;
  /** Where its own API is, unless the installation says otherwise. */
  readonly apiBaseUrl?: string;
  /** What is wrong with a key that somebody wants to set for such a source, or undefined. Never quotes it. */
  checkKey(key: Secret): string | undefined;
  /** Checks the signature over the raw bytes, before anything is parsed. */
  authenticate(
    delivery: RawDelivery,
    keys: readonly Secret[],
    now: Millis,
  ): Result<{ deliveryId: string }, Refusal>;
  /** Reads an authenticated body. Unknown events are acknowledged, not refused. */
  read(delivery: RawDelivery): Result<ReadDelivery, Refusal>;
  /** Asks the source's own API for what the delivery left out. */
  fetchMissing?(
    report: Report,
    api: { baseUrl: string; token: Secret | null; signal: AbortSignal },
  ): Promise<Result<Report, Refusal>>;
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
