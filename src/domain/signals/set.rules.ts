import { isId, type Id } from '../../kernel/ids.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import type { SignalType } from './signal.rules.ts';

/** Security Event Tokens (RFC 8417) as SSF 1.0, CAEP 1.0 and RISC 1.0 say them. */
const SCHEMAS = 'https://schemas.openid.net/secevent';
export const CREDENTIAL_CHANGE = `${SCHEMAS}/caep/event-type/credential-change`;
export const CREDENTIAL_COMPROMISE = `${SCHEMAS}/risc/event-type/credential-compromise`;
const VERIFICATION = `${SCHEMAS}/ssf/event-type/verification`;
const STREAM_UPDATED = `${SCHEMAS}/ssf/event-type/stream-updated`;
export const SETS_SUPPORTED = [CREDENTIAL_CHANGE, CREDENTIAL_COMPROMISE] as const;

export const PUSH = 'urn:ietf:rfc:8935';
export const POLL = 'urn:ietf:rfc:8936';
/** The type of our own message that carries a verification event. */
export const VERIFICATION_TYPE = 'ssf.verification';
/** Of the one that says that we changed the status of a stream: sent though the stream is paused or disabled. */
export const UPDATED_TYPE = 'ssf.stream-updated';

/** What is said in which event. */
const SAID: Readonly<Partial<Record<SignalType, { uri: string; changeType?: 'revoke' | 'update' }>>> = {
  'credential.compromised': { uri: CREDENTIAL_COMPROMISE },
  'credential.dead': { uri: CREDENTIAL_CHANGE, changeType: 'revoke' },
  'credential.rotated': { uri: CREDENTIAL_CHANGE, changeType: 'update' },
};

const REASONS: Readonly<Record<string, string>> = {
  'credential.compromised': 'The credential is confirmed to be in the wrong hands.',
  'credential.dead': 'The credential was revoked, and its verifier refuses it.',
  'credential.rotated': 'A new version of the credential is in use; the old one is dead.',
};

/** What of it we can send, in our own words: a receiver asks by URI, and what is unknown is left out. */
export function typesOf(requested: readonly string[]): SignalType[] {
  return (Object.keys(SAID) as SignalType[]).filter((type) => requested.includes(SAID[type]!.uri));
}

export function urisOf(types: readonly string[]): string[] {
  return SETS_SUPPORTED.filter((uri) => types.some((type) => SAID[type as SignalType]?.uri === uri));
}

/** A message as it stands in its row. */
export interface SetFacts {
  id: Id;
  subscriptionId: Id;
  type: string;
  txn: Id;
  credentialId: Id | null;
  data: Record<string, unknown>;
  occurredAt: Date;
  createdAt: Date;
  settings: Record<string, unknown>;
}

/**
 * The claims of a message. Neither `sub` nor `exp` may be there (SSF 1.0, section 4.1); one event each (CAEP
 * interoperability profile). The same on every attempt: the `jti` is the message's own id.
 */
export function claimsOf(facts: SetFacts, issuer: string): Record<string, unknown> {
  const common = {
    iss: issuer,
    jti: facts.id,
    iat: seconds(facts.createdAt),
    aud: audienceOf(facts.settings, facts.subscriptionId),
    txn: facts.txn,
  };
  if (facts.type === VERIFICATION_TYPE) {
    const state = facts.data['state'];
    return {
      ...common,
      sub_id: { format: 'opaque', id: facts.subscriptionId },
      events: { [VERIFICATION]: typeof state === 'string' ? { state } : {} },
    };
  }
  if (facts.type === UPDATED_TYPE) {
    return {
      ...common,
      sub_id: { format: 'opaque', id: facts.subscriptionId },
      events: { [STREAM_UPDATED]: facts.data },
    };
  }
  const said = SAID[facts.type as SignalType];
  if (!said || facts.credentialId === null) throw new Error(`no event says ${facts.type}`);
  return {
    ...common,
    sub_id: { format: 'iss_sub', iss: issuer, sub: facts.credentialId },
    events: {
      [said.uri]: {
        credential_type: credentialTypeOf(facts),
        ...(said.changeType ? { change_type: said.changeType } : {}),
        ...(said.changeType ? { friendly_name: labelOf(facts.data) } : {}),
        event_timestamp: seconds(facts.occurredAt),
        initiating_entity: 'system',
        reason_admin: { en: REASONS[facts.type] },
      },
    },
  };
}

/** What a stream is told beside signals: a notice, whole. */
export interface NoticeSetFacts {
  /** Stable over every attempt. */
  jti: string;
  streamId: Id;
  partyId: Id;
  settings: Record<string, unknown>;
  data: Record<string, unknown>;
  at: Millis;
}

/**
 * The claims of a notice. No standard names such an event: its URI is ours, under our name as the transmitter (RFC 8417,
 * section 2: whoever defines an event names it). It is about the party that is told.
 */
export function noticeClaimsOf(facts: NoticeSetFacts, issuer: string): Record<string, unknown> {
  return {
    iss: issuer,
    jti: facts.jti,
    iat: Math.floor(facts.at / SECOND),
    aud: audienceOf(facts.settings, facts.streamId),
    txn: facts.jti,
    sub_id: { format: 'opaque', id: facts.partyId },
    events: { [`${issuer}/secevent/event-type/notice`]: facts.data },
  };
}

/** Whom a stream is for: the stream itself, unless its receiver was given another name. */
export function audienceOf(settings: Record<string, unknown>, streamId: Id): string {
  return typeof settings['aud'] === 'string' ? settings['aud'] : streamId;
}

/** An API key has no value in the standards: ours is named by its kind, and a stream may map it to a name of its own. */
function credentialTypeOf({ data, settings }: SetFacts): string {
  const { credential } = data as { credential?: { kind?: unknown } };
  const kind = typeof credential?.kind === 'string' ? credential.kind : 'credential';
  const map = settings['credentialTypes'] as Record<string, string> | undefined;
  return map && Object.hasOwn(map, kind) ? map[kind]! : kind.replaceAll('_', '-');
}

function labelOf(data: Record<string, unknown>): string {
  const { credential } = data as { credential?: { label?: unknown } };
  return typeof credential?.label === 'string' ? credential.label : '';
}

function seconds(date: Date): number {
  return Math.floor(date.getTime() / SECOND);
}

/** Formats of RFC 9493 that we read, and the members that each must have. */
const FORMATS: Readonly<Record<string, readonly string[]>> = {
  account: ['uri'],
  email: ['email'],
  iss_sub: ['iss', 'sub'],
  opaque: ['id'],
  phone_number: ['phone_number'],
  did: ['url'],
  uri: ['uri'],
};

/**
 * The credential that a subject names: `iss_sub` of ours, or `opaque` with its id. null: well-formed, and nobody that we
 * know. undefined: no subject identifier at all.
 */
export function credentialOfSubject(subject: unknown, issuer: string): Id | null | undefined {
  if (subject === null || typeof subject !== 'object' || Array.isArray(subject)) return undefined;
  const members = subject as Record<string, unknown>;
  // Some still say `subject_type`, as the drafts did.
  const format = members['format'] ?? members['subject_type'];
  if (typeof format !== 'string' || !Object.hasOwn(FORMATS, format)) return undefined;
  if (FORMATS[format]!.some((name) => typeof members[name] !== 'string' || members[name] === ''))
    return undefined;
  const named =
    format === 'opaque'
      ? members['id']
      : format === 'iss_sub' && members['iss'] === issuer
        ? members['sub']
        : null;
  return isId(named) ? named : null;
}

/**
 * Whether a receiver will never take a token (RFC 8935, section 2.3, with the error codes of IANA and SSF). What it says
 * of keys, of us or of itself may be mended, and is tried again.
 */
export function isUnwanted(body: Buffer): boolean {
  try {
    const { err } = JSON.parse(body.toString('utf8')) as { err?: unknown };
    return err === 'invalid_request' || err === 'invalid_state';
  } catch {
    return false;
  }
}
