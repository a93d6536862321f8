import { randomBytes } from 'node:crypto';
import type { CanonicalValue } from '../../kernel/canonical-json.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { actorText, commitment, entryText } from '../../kernel/ledger-entry.ts';
import { leafHash, type Hash } from '../../kernel/merkle.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';

/** What a change says of itself. */
export interface LedgerInput {
  /** Past tense: `exposure.accepted`. */
  kind: string;
  subject: { kind: string; id: Id };
  by: Principal;
  at: Millis;
  /** Ids, states, hashes, counts. No personal data and no secret: this part can never be erased. */
  facts?: Record<string, CanonicalValue>;
  /** Names, addresses, free text: the entry holds a salted commitment, the text stands beside it and can be erased. */
  committed?: Record<string, string>;
}

/** One entry as its columns. */
export interface ComposedEntry {
  id: Id;
  kind: string;
  subjectKind: string;
  subjectId: Id;
  at: Millis;
  body: string;
  leafHash: Hash;
  details: { field: string; salt: Buffer; text: string }[];
}

const SALT_BYTES = 32;
const FIELD = /^[a-z][A-Za-z0-9_.]{0,59}$/;
/** Under this name the caller's address stands with every act of somebody who came over the network. */
const ADDRESS = 'by.ip';

/** The entries of one act. @throws TypeError or RangeError for what an entry may not hold: a bug of the caller. */
export function composeEntries(inputs: readonly LedgerInput[]): ComposedEntry[] {
  const actors = new Map<Principal, string>();
  return inputs.map((input) => {
    const { kind, subject, at, by, facts = {} } = input;
    let actor = actors.get(by);
    if (actor === undefined) actors.set(by, (actor = actorText({ by: actorOf(by) })));
    const details = detailsOf(input);
    const committed: Record<string, Hash> = {};
    for (const { field, salt, text } of details) committed[field] = commitment(salt, text);
    const id = newId();
    const body = entryText({ v: 1, id, kind, subject, at, by: actorOf(by), facts, committed }, actor);
    return {
      id,
      kind,
      subjectKind: subject.kind,
      subjectId: subject.id,
      at,
      body,
      leafHash: leafHash(body),
      details,
    };
  });
}

function actorOf(by: Principal) {
  return {
    kind: by.kind,
    id: by.id,
    party: by.partyId,
    ...(by.personId === undefined ? {} : { person: by.personId }),
    correlation: by.correlationId,
  };
}

const NONE: ComposedEntry['details'] = [];

function detailsOf({ by, committed }: LedgerInput): ComposedEntry['details'] {
  if (committed === undefined && by.ip === undefined) return NONE;
  const texts = Object.entries(committed ?? {});
  if (by.ip !== undefined) texts.push([ADDRESS, by.ip]);
  return texts.map(([field, text]) => {
    if (!FIELD.test(field)) throw new RangeError(`a committed field named ${JSON.stringify(field)}`);
    // Postgres keeps no NUL and no lone surrogate; what is committed to is what is kept.
    return { field, salt: randomBytes(SALT_BYTES), text: text.toWellFormed().replaceAll('\u0000', '\ufffd') };
  });
}
