import type { Millis } from '../../kernel/time.ts';

/**
 * A way to tell somebody. Implemented under `plugins/channels/<key>/`, registered in `plugins/channels/registry.ts`,
 * proven by `test/contracts/channel.contract.ts`.
 */
export interface Channel {
  readonly key: string;
  readonly title: string;
  /** What goes there is taken by a program: no code for a person is sent by it. */
  readonly readByMachines?: true;
  /** Whether an address has this channel's form and may be written to. */
  accepts(address: string): boolean;
  /**
   * Of an address that is a secret itself (an incoming webhook): what may be kept and shown in the open. The whole of it
   * is sealed then. Absent: the address is no secret.
   */
  shown?(address: string): string;
  /**
   * Of an address that names something of the party: whether the party has it, and it can carry a notice. What is another
   * party's looks like what is not there. Absent: the form says all that can be known.
   */
  isThere?(address: string, partyId: string): Promise<boolean>;
  send(message: OutgoingMessage, call: { signal: AbortSignal; now(): Millis }): Promise<DeliveryAnswer>;
}

export interface OutgoingMessage {
  /** Stable over every attempt: the receiver's way to see a double. */
  messageId: string;
  to: string;
  /** Whose contact it goes to: a channel that knows parties sends nothing to another's address. */
  partyId?: string;
  subject: string;
  text: string;
  html: string;
  /** Opaque: a channel whose messages may come back later has it stand where they come back to. */
  bounceToken?: string;
  /** BCP 47. */
  language: string;
}

export type DeliveryAnswer =
  /** The peer took responsibility (SMTP 250, HTTP 2xx). */
  | { outcome: 'accepted'; peerAnswer: string }
  /** The peer will never take it at this address. */
  | { outcome: 'refused'; peerAnswer: string }
  | { outcome: 'retry'; peerAnswer: string; after?: Millis }
  /** Sent, and the answer was lost: send again under the same id. */
  | { outcome: 'unknown'; peerAnswer: string };
