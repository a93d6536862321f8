import { createHash } from 'node:crypto';
import { canonicalJson, isCanonicalFlat, parseCanonicalJson, type CanonicalValue } from './canonical-json.ts';
import { isId, type Id } from './ids.ts';
import { isHash, type Hash } from './merkle.ts';
import { iso, parseInstant, type Millis } from './time.ts';

/**
 * One act on record. Its canonical JSON is what is stored, hashed and shown to an auditor; this file is the only place
 * that knows its form, for the writer and the verifier alike.
 */
export interface LedgerEntry {
  /** The form of entries described here. */
  v: 1;
  id: Id;
  /** `exposure.accepted` */
  kind: string;
  subject: { kind: string; id: Id };
  by: {
    kind: string;
    id: string;
    party: Id | null;
    person?: Id;
    /** From delivery to last notice the same. */
    correlation: string;
  };
  at: Millis;
  /** Ids, states, hashes, counts: no personal data, no secret. */
  facts: Readonly<Record<string, CanonicalValue>>;
  /** Commitments to texts that stand beside the ledger and can be erased, by field. */
  committed: Readonly<Record<string, Hash>>;
}

/** The kind of entry that says that a committed text was erased; its subject is the entry that holds the commitment. */
export const DETAIL_ERASED = 'ledger.detail-erased';
export const ENTRY_SUBJECT = 'ledger_entry';

const KIND = /^[a-z][a-z0-9_]*([.-][a-z0-9_]+)*$/;

/**
 * The text of an entry (RFC 8785). Members stand in canonical order by construction; only facts are sorted.
 *
 * @param by the canonical JSON of the actor, computed once for all entries of one act
 * @throws TypeError or RangeError for what an entry may not hold
 */
export function entryText(entry: LedgerEntry, by = actorText(entry)): string {
  const { id, kind, subject } = entry;
  if (!isId(id) || !isId(subject.id))
    throw new RangeError(`a ledger entry of ${subject.kind} ${subject.id} needs ids`);
  if (!KIND.test(kind) || !KIND.test(subject.kind))
    throw new RangeError(`a ledger entry of kind ${kind} about a ${subject.kind}`);
  const committed = isEmpty(entry.committed) ? '' : `"committed":${canonicalJson(entry.committed)},`;
  const facts = isEmpty(entry.facts) ? '' : `"facts":${canonicalJson(entry.facts)},`;
  return `{"at":"${iso(entry.at)}","by":${by},${committed}${facts}"id":"${id}","kind":"${kind}","subject":{"id":"${subject.id}","kind":"${subject.kind}"},"v":1}`;
}

export function actorText({ by }: Pick<LedgerEntry, 'by'>): string {
  return canonicalJson({
    correlation: by.correlation,
    id: by.id,
    kind: by.kind,
    party: by.party,
    ...(by.person === undefined ? {} : { person: by.person }),
  });
}

/** Actors whose text was seen to be canonical: the entries of one act, and of one program, have the same. */
const actors = new Map<string, LedgerEntry['by']>();
const MOST_ACTORS = 1000;

/** Reads an entry back, or says why the text is none. */
export function readEntry(text: string): LedgerEntry | string {
  return readUsual(text) ?? readAny(text);
}

/**
 * What a text of the form that `entryText` gives says, at a fraction of the cost. Where the objects in it are canonical the
 * whole is: its members stand in order, and everything between them is written in the one way that there is. Undefined:
 * it must be looked at as a whole.
 */
function readUsual(text: string): LedgerEntry | undefined {
  // From the front: {"at":"…","by":{…},"committed":{…},"facts":{…},
  if (!text.startsWith('{"at":"') || !text.startsWith('Z","by":{', 30)) return undefined;
  const byEnd = text.indexOf('},', 38) + 1;
  // From the back: "id":"…","kind":"…","subject":{"id":"…","kind":"…"},"v":1}
  const subjectAt = text.lastIndexOf('","subject":{"id":"');
  const idAt = text.lastIndexOf('"id":"', subjectAt);
  if (
    byEnd === 0 ||
    idAt <= byEnd ||
    !text.endsWith('"},"v":1}') ||
    !text.startsWith('","kind":"', subjectAt + 55) ||
    !text.startsWith('","kind":"', idAt + 42)
  )
    return undefined;
  const actor = text.slice(38, byEnd);
  let at = byEnd + 1;
  let hashes: string | undefined;
  if (text.startsWith('"committed":{', at)) {
    const end = text.indexOf('},', at) + 1;
    hashes = text.slice(at + 12, end);
    at = end + 1;
  }
  let facts = '{}';
  if (at !== idAt) {
    if (!text.startsWith('"facts":{', at) || text[idAt - 1] !== ',') return undefined;
    facts = text.slice(at + 8, idAt - 1);
    // Left out where there are none: canonical all the same, and not what is usual.
    if (facts === '{}') return undefined;
  }
  const when = parseInstant(text.slice(7, 31));
  const by = actors.get(actor) ?? readActor(actor);
  const id = text.slice(idAt + 6, idAt + 42);
  const kind = text.slice(idAt + 52, subjectAt);
  const subject = { kind: text.slice(subjectAt + 65, -9), id: text.slice(subjectAt + 19, subjectAt + 55) };
  const committed = hashes === undefined ? {} : parseCanonicalJson(hashes);
  if (
    when === undefined ||
    !by ||
    !isObject(committed) ||
    !Object.values(committed).every(isHash) ||
    !(isCanonicalFlat(facts) || isObject(parseCanonicalJson(facts))) ||
    !isId(id) ||
    !isId(subject.id) ||
    !KIND.test(kind) ||
    !KIND.test(subject.kind)
  )
    return undefined;
  return new UsualEntry(id, kind, when, by, subject, facts, committed as Record<string, Hash>);
}

/** Hardly anybody asks for the facts of an entry that is only checked. */
class UsualEntry implements LedgerEntry {
  readonly v = 1;
  readonly #facts: string;
  constructor(
    readonly id: Id,
    readonly kind: string,
    readonly at: Millis,
    readonly by: LedgerEntry['by'],
    readonly subject: LedgerEntry['subject'],
    facts: string,
    readonly committed: Readonly<Record<string, Hash>>,
  ) {
    this.#facts = facts;
  }
  get facts(): LedgerEntry['facts'] {
    return JSON.parse(this.#facts) as LedgerEntry['facts'];
  }
}

function readActor(text: string): LedgerEntry['by'] | undefined {
  const by = parseCanonicalJson(text);
  if (!isObject(by)) return undefined;
  if (actors.size >= MOST_ACTORS) actors.clear();
  actors.set(text, by as unknown as LedgerEntry['by']);
  return by as unknown as LedgerEntry['by'];
}

function readAny(text: string): LedgerEntry | string {
  const value = parseCanonicalJson(text);
  if (value === undefined) return 'is not canonical JSON';
  if (!isObject(value)) return 'is no entry';
  const { at, by, committed = {}, facts = {}, id, kind, subject, v, ...more } = value;
  const when = typeof at === 'string' ? parseInstant(at) : undefined;
  if (
    v !== 1 ||
    when === undefined ||
    !isId(id) ||
    typeof kind !== 'string' ||
    !isObject(by) ||
    !isObject(subject) ||
    typeof subject['kind'] !== 'string' ||
    !isId(subject['id']) ||
    Object.keys(subject).length !== 2 ||
    !isObject(facts) ||
    !isObject(committed) ||
    !Object.values(committed).every(isHash) ||
    Object.keys(more).length > 0
  ) {
    return 'does not have the form of an entry';
  }
  return {
    v,
    id,
    kind,
    at: when,
    by: by as unknown as LedgerEntry['by'],
    subject: { kind: subject['kind'], id: subject['id'] },
    facts,
    committed: committed as Record<string, Hash>,
  };
}

/** SHA-256(salt ‖ text): says nothing about the text to whoever lacks the salt. */
export function commitment(salt: Buffer, text: string): Hash {
  return createHash('sha256').update(salt).update(text, 'utf8').digest('hex');
}

function isEmpty(members: object): boolean {
  for (const _ in members) return false;
  return true;
}

function isObject(value: CanonicalValue | undefined): value is { readonly [member: string]: CanonicalValue } {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
