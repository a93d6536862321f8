import { z } from 'zod';
import type { Refusal } from '../../../kernel/errors.ts';
import { err, ok, type Result } from '../../../kernel/result.ts';
import { SECOND, type Millis } from '../../../kernel/time.ts';
import { contentKeyOf, oneLine } from '../../../domain/exposures/delivery.rules.ts';
import type { ReadDelivery, Report } from '../../../domain/exposures/source.ts';
import { setRefusal } from './set-errors.ts';

const BASE = 'https://schemas.openid.net/secevent/';
const COMPROMISE = `${BASE}risc/event-type/credential-compromise`;
const CHANGE = `${BASE}caep/event-type/credential-change`;

const seconds = z.number().min(0).max(8_640_000_000).nullish().catch(null);

/** RISC 1.0 §2.7. */
const compromiseSchema = z.object({
  credential_type: z.string().min(1).max(100),
  event_timestamp: seconds,
});

/** CAEP 1.0 §3.3. */
const changeSchema = z.object({
  credential_type: z.string().min(1).max(100),
  change_type: z.enum(['create', 'revoke', 'update', 'delete']),
  x509_serial: z.string().max(300).nullish().catch(null),
  event_timestamp: seconds,
});

/** What the claims of a token report. Other events are acknowledged, and so is the creation or change of a credential. */
export function readEvents(claims: Record<string, unknown>, body: Buffer): Result<ReadDelivery, Refusal> {
  const events = claims['events'];
  const named =
    events !== null && typeof events === 'object' ? Object.entries(events as Record<string, unknown>) : [];
  if (named.length === 0) return err(setRefusal('invalid_request', 'The token holds no event.'));
  // Several are several names of one event (RFC 8417 §2).
  const [uri, payload] = named.find(([one]) => one === COMPROMISE || one === CHANGE) ?? named[0]!;
  const event = oneLine(uri.startsWith(BASE) ? uri.slice(BASE.length) : uri, 200);
  const contentKey = contentKeyOf('set', text(claims['iss']) ?? '', text(claims['jti']) ?? '', body);
  const nothing = (acknowledged: string) => ok({ event, contentKey, reports: [], acknowledged });
  if (uri !== COMPROMISE && uri !== CHANGE) return nothing('an event that reports no credential');
  const of = {
    issuer: text(claims['iss']) ?? '',
    issuedAt: typeof claims['iat'] === 'number' ? instantOf(claims['iat']) : undefined,
    subject: subjectOf(claims['sub_id'] ?? claims['sub']),
  };
  if (uri === COMPROMISE) {
    const read = compromiseSchema.safeParse(payload);
    if (!read.success) return err(setRefusal('invalid_request', 'The event has no credential_type.'));
    const { credential_type: kind, event_timestamp: at } = read.data;
    return ok({
      event,
      contentKey,
      reports: [reportOf(of, { kind, at, serial: null, resolved: undefined })],
    });
  }
  const read = changeSchema.safeParse(payload);
  if (!read.success)
    return err(
      setRefusal('invalid_request', 'The event lacks credential_type or change_type, or they are malformed.'),
    );
  const { credential_type: kind, change_type: change, event_timestamp: at, x509_serial: serial } = read.data;
  if (change === 'create' || change === 'update')
    return nothing(change === 'create' ? 'a credential was made' : 'a credential was changed');
  return ok({
    event,
    contentKey,
    reports: [reportOf(of, { kind, at, serial: serial ?? null, resolved: 'revoked' })],
  });
}

interface Subject {
  /** The subject's own name, told apart from others of the issuer. */
  name: string;
  /** The supplier's id of a credential; what names a person is none. */
  id?: string;
}

function reportOf(
  of: { issuer: string; issuedAt: Millis | undefined; subject: Subject },
  said: {
    kind: string;
    at: number | null | undefined;
    serial: string | null;
    resolved: 'revoked' | undefined;
  },
): Report {
  return {
    externalRef: `${of.issuer} ${said.kind} ${said.serial ?? of.subject.name}`,
    value: null,
    supplierId: said.serial ?? of.subject.id,
    kind: said.kind,
    detectedAt: said.at === null || said.at === undefined ? of.issuedAt : instantOf(said.at),
    asOf: of.issuedAt,
    foundAt: [],
    sourceSays: said.resolved === undefined ? 'unknown' : 'dead',
    resolved: said.resolved,
  };
}

function instantOf(at: number): Millis | undefined {
  return at >= 0 && at <= 8_640_000_000_000 ? Math.round(at * SECOND) : undefined;
}

/**
 * Who or what the event is about (RFC 9493; the older `subject_type` is read too). Mail addresses and telephone numbers
 * are personal data: they only tell one leak from another, by a hash.
 */
function subjectOf(given: unknown): Subject {
  const all = partsOf(given);
  const usable = all.flatMap((part) => {
    const format = text(part['format']) ?? text(part['subject_type']);
    const id =
      format === 'opaque' || format === 'opaque_id'
        ? text(part['id'])
        : format === 'jwt_id' || format === 'jwt-id'
          ? text(part['jti'])
          : format === 'uri' || format === 'account' || format === 'did'
            ? text(part['uri'] ?? part['url'])
            : format === 'iss_sub' || format === 'iss-sub'
              ? text(part['sub'])
              : undefined;
    return id !== undefined && !id.includes('@') ? [id] : [];
  });
  const name = usable[0] ?? contentKeyOf('subject', JSON.stringify(given ?? null)).slice(0, 24);
  return { name, ...(usable[0] === undefined ? {} : { id: usable[0] }) };
}

/** The subject itself, its aliases, or the members of a complex one: the application before the user. */
function partsOf(given: unknown): Record<string, unknown>[] {
  if (given === null || typeof given !== 'object' || Array.isArray(given)) return [];
  const subject = given as Record<string, unknown>;
  if (Array.isArray(subject['identifiers'])) {
    const aliases = subject['identifiers'] as unknown[];
    return aliases.slice(0, 20).flatMap((one) => (isRecord(one) ? [one] : []));
  }
  const members = ['application', 'session', 'device', 'user', 'tenant'].flatMap((name) =>
    isRecord(subject[name]) ? [subject[name]] : [],
  );
  return [...members, subject];
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return value !== null && typeof value === 'object' && !Array.isArray(value);
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && value.length <= 1000 ? oneLine(value, 300) : undefined;
}
