import { openCheckpoint, type Checkpoint, type Verifier } from './checkpoint.ts';
import type { Id } from './ids.ts';
import { commitment, DETAIL_ERASED, ENTRY_SUBJECT, readEntry, type LedgerEntry } from './ledger-entry.ts';
import { CompactRange, leafHash, type Hash } from './merkle.ts';
import type { Erased, LedgerRecord, LedgerSource } from './ledger-source.ts';
import { iso } from './time.ts';

/**
 * Whether a ledger is what its checkpoints say: everything is computed again from the bytes of the entries, in one pass,
 * in memory that does not grow with the ledger (but for erased details, which are remembered until their own entry is met).
 */

export interface LedgerVerdict {
  sound: boolean;
  /** Entries in the tree. */
  entries: number;
  /** Written and not in the tree yet: ordinary for a second or so after a change. */
  unsequenced: number;
  root: Hash;
  checkpoints: {
    stored: number;
    outside: number;
    /** Entries that the largest one covers. */ covers: number;
  };
  details: { checked: number; erased: number; withheld: number };
  /** The first hundred erased details: each is accounted for, and none is a fault. */
  erased: { seq: number | null; id: Id; field: string; at: string; by: string; basis: string }[];
  /** The first bad entry, by its place. */
  first: Fault | null;
  /** The first hundred, and how many there are. */
  faults: Fault[];
  faultCount: number;
}

export interface Fault {
  what: FaultKind;
  /** The place; with `to`, the first of a span of places that no check can narrow further. Null: no place in the tree. */
  seq: number | null;
  to?: number;
  id: string | null;
  /** One sentence for people. */
  says: string;
}

export type FaultKind =
  | 'edited' // the bytes are not those that were sequenced
  | 'ill-formed'
  | 'missing'
  | 'out-of-sequence'
  | 'inserted'
  | 'columns'
  | 'detail'
  | 'erasure'
  | 'rewritten' // the tree is not the one that a checkpoint vouches for
  | 'cut'
  | 'checkpoint'
  | 'head';

/** Faults and erasures that a verdict lists; it counts them all. */
const KEPT = 100;
/** Entries whose ids are remembered, and are named in one fault. */
const RECENT = 1000;
const NAMED = 10;

export async function checkLedger(o: {
  source: LedgerSource;
  /** Copies kept elsewhere, smallest first. */
  outside: AsyncIterable<string> | Iterable<string>;
  verifiers: readonly Verifier[];
}): Promise<LedgerVerdict> {
  const check = new LedgerCheck(o.verifiers);
  await check.run(o.source, o.outside);
  return check.verdict();
}

class LedgerCheck {
  readonly #tree = new CompactRange();
  readonly #faults: Fault[] = [];
  #faultCount = 0;
  #first: Fault | null = null;
  #unsequenced = 0;
  #counts = { stored: 0, outside: 0 };
  #details = { checked: 0, erased: 0, withheld: 0 };
  #erased: LedgerVerdict['erased'] = [];
  /** Details marked as erased whose entry that says so was not met yet. Its key: entry id and field. */
  readonly #unproven = new Map<string, Erased['erased'] & { seq: number | null; id: Id; field: string }>();
  /** Ids of the last entries, by place: to name those that a checkpoint refutes. */
  readonly #recent: ({ seq: number; name: string } | undefined)[] = Array.from({ length: RECENT });
  /** Nothing behind a gap can be hashed into the right tree. */
  #broken = false;
  /** Places that the count of the tree does not know of. */
  #skipped = 0;
  #confirmed = 0;

  constructor(private readonly verifiers: readonly Verifier[]) {}

  async run(source: LedgerSource, outside: AsyncIterable<string> | Iterable<string>): Promise<void> {
    const stored = new Checkpoints('stored', source.checkpoints(), this.verifiers);
    const kept = new Checkpoints('outside', outside, this.verifiers);
    const both = [stored, kept];
    const report: Report = (...fault) => this.#report(...fault);
    for (const some of both) await some.advance(report);
    for await (const page of source.entries()) {
      for (const record of page) {
        for (const some of both) {
          while (some.next && some.next.size <= this.#tree.size) {
            this.#compare(some);
            await some.advance(report);
          }
        }
        this.#record(record);
      }
    }
    for (const some of both) {
      while (some.next) {
        if (some.next.size <= this.#tree.size) this.#compare(some);
        else this.#cut(some);
        await some.advance(report);
      }
    }
    this.#counts = { stored: stored.count, outside: kept.count };
    await this.#head(source);
    for (const { seq, id, field } of this.#unproven.values()) {
      this.#report(
        'erasure',
        seq,
        id,
        `the detail "${field}" of entry ${id} was erased, and no entry says so`,
      );
    }
  }

  verdict(): LedgerVerdict {
    return {
      sound: this.#faultCount === 0,
      entries: this.#tree.size,
      unsequenced: this.#unsequenced,
      root: this.#tree.root(),
      checkpoints: { ...this.#counts, covers: this.#confirmed },
      details: this.#details,
      erased: this.#erased,
      first: this.#first,
      faults: this.#faults,
      faultCount: this.#faultCount,
    };
  }

  #record(record: LedgerRecord): void {
    const { seq, body, where } = record;
    if (seq !== null) this.#place(seq, where);
    else if (body !== null) {
      this.#unsequenced++;
      if (record.late) {
        const id = record.columns?.id ?? null;
        this.#report('inserted', seq, id, `${where} was put in behind entries that are long sequenced`);
      }
    }
    if (body === null) {
      this.#report('missing', seq, null, `the entry at place ${seq} (${where}) is gone`);
      if (record.sequenced) {
        this.#tree.append(record.sequenced);
        return;
      }
      this.#broken = true;
      this.#skipped++;
      return;
    }
    const hash = leafHash(body);
    const entry = readEntry(body);
    const id = record.columns?.id ?? (typeof entry === 'string' ? null : entry.id);
    const name = () => `entry ${id ?? where}${seq === null ? '' : ` at place ${seq}`}`;
    const sequenced = record.sequenced ?? record.stored ?? hash;
    // The recorded hash goes into the tree, so that one edited entry does not hide what comes behind it: the roots of the
    // checkpoints vouch for the record, and the record accuses the entry.
    if (seq !== null) {
      this.#tree.append(sequenced);
      this.#recent[seq % RECENT] = { seq, name: id ?? where };
    }
    if (sequenced !== hash || (record.stored !== undefined && record.stored !== hash)) {
      this.#report(
        'edited',
        seq,
        id,
        `${name()} was edited: its bytes do not have the hash that was sequenced`,
      );
      return;
    }
    if (typeof entry === 'string') {
      this.#report('ill-formed', seq, id, `${name()} ${entry}`);
      return;
    }
    this.#columns(record, entry, name);
    this.#committed(record, entry, name);
    if (entry.kind === DETAIL_ERASED && entry.subject.kind === ENTRY_SUBJECT) this.#proveErasure(entry, seq);
  }

  /** Places are 0, 1, 2, …: one that is left out or comes twice is named, and the count goes on from it. */
  #place(seq: number, where: string): void {
    const expected = this.#tree.size + this.#skipped;
    if (seq === expected) return;
    if (seq > expected) {
      const to = seq - 1;
      const places = to === expected ? `place ${expected}` : `places ${expected} to ${to}`;
      this.#report('missing', expected, null, `nothing stands at ${places}`, to);
      this.#skipped += seq - expected;
    } else {
      this.#report('out-of-sequence', seq, null, `place ${seq} is taken again (${where})`);
      this.#skipped--;
    }
    this.#broken = true;
  }

  #columns({ columns: c, seq }: LedgerRecord, entry: LedgerEntry, name: () => string): void {
    if (!c) return;
    if (
      c.id !== entry.id ||
      c.kind !== entry.kind ||
      c.subjectKind !== entry.subject.kind ||
      c.subjectId !== entry.subject.id ||
      c.at !== entry.at
    ) {
      this.#report('columns', seq, entry.id, `${name()} is filed under something that its text does not say`);
    }
  }

  #committed({ details, seq }: LedgerRecord, entry: LedgerEntry, name: () => string): void {
    const fields = Object.keys(entry.committed);
    if (details === undefined) {
      this.#details.withheld += fields.length;
      return;
    }
    for (const field of fields) {
      const detail = details.get(field);
      const bad = (says: string) =>
        this.#report('detail', seq, entry.id, `the detail "${field}" of ${name()} ${says}`);
      if (!detail) bad('is gone without having been erased');
      else if ('erased' in detail) this.#erase(seq, entry.id, field, detail);
      else if (commitment(detail.salt, detail.text) !== entry.committed[field])
        bad('is not the text that was committed to');
      else this.#details.checked++;
    }
    for (const field of details.keys()) {
      if (entry.committed[field] === undefined) {
        this.#report('detail', seq, entry.id, `${name()} has a detail "${field}" that it never committed to`);
      }
    }
  }

  #erase(seq: number | null, id: Id, field: string, { erased }: Erased): void {
    this.#details.erased++;
    if (this.#erased.length < KEPT) {
      this.#erased.push({ seq, id, field, at: iso(erased.at), by: erased.by, basis: erased.basis });
    }
    this.#unproven.set(`${id} ${field}`, { ...erased, seq, id, field });
  }

  /** The detail says by whom, when and on what basis it was erased; the entry that was written then must say the same. */
  #proveErasure({ id, at, by, facts, subject }: LedgerEntry, seq: number | null): void {
    const field = typeof facts['field'] === 'string' ? facts['field'] : '';
    const claim = this.#unproven.get(`${subject.id} ${field}`);
    this.#unproven.delete(`${subject.id} ${field}`);
    if (claim?.at === at && claim.by === by.id && claim.basis === facts['basis']) return;
    if (!claim && this.#details.withheld > 0) return;
    const says = claim
      ? `entry ${id} tells of the erasure of "${field}" of entry ${subject.id} otherwise than the detail does`
      : `entry ${id} tells of an erasure of "${field}" of entry ${subject.id} that did not happen`;
    this.#report('erasure', seq, id, says);
  }

  #compare(some: Checkpoints): void {
    const { size, root } = some.next!;
    // Behind a gap, or behind a root that already differs, every further root differs: the first says it all.
    if (this.#broken || some.refuted) return;
    if (size < this.#tree.size) {
      some.refuted = true;
      const says = `the ${some.whose} checkpoints are not in the order of their sizes`;
      this.#report('checkpoint', size, null, says);
      return;
    }
    if (this.#tree.root() === root) {
      this.#confirmed = Math.max(this.#confirmed, size);
      return;
    }
    some.refuted = true;
    const from = Math.min(this.#confirmed, Math.max(size - 1, 0));
    const to = Math.max(size - 1, 0);
    const ids = [];
    for (let seq = from; seq <= to && ids.length < NAMED; seq++)
      ids.push(this.#recentAt(seq) ?? `place ${seq}`);
    const named = `${ids.join(', ')}${to - from >= NAMED ? ', …' : ''}`;
    const span =
      from === to
        ? `entry ${named} at place ${from} was`
        : `some of the entries at places ${from} to ${to} (${named}) were`;
    const id = from === to ? (this.#recentAt(from) ?? null) : null;
    const says = `${span} rewritten: the ${some.whose} checkpoint of ${size} entries vouches for another tree`;
    this.#report('rewritten', from, id, says, to);
  }

  #cut(some: Checkpoints): void {
    if (some.refuted || this.#broken) return;
    some.refuted = true;
    const { size } = some.next!;
    // Up to the last root that fitted nothing is gone; behind it, places may have been closed up.
    const from = this.#confirmed;
    const says = `the ledger ends at ${this.#tree.size} entries, and the ${some.whose} checkpoint vouches for ${size}: what stood from place ${from} on is not all there`;
    this.#report('cut', from, null, says, size - 1);
  }

  #recentAt(seq: number): string | undefined {
    const found = this.#recent[seq % RECENT];
    return found?.seq === seq ? found.name : undefined;
  }

  async #head(source: LedgerSource): Promise<void> {
    const head = await source.head?.();
    if (!head || this.#broken) return;
    if (head.size !== this.#tree.size || head.root !== this.#tree.root()) {
      const says = `the sequencer would go on from a tree of ${head.size} entries that is not the one of the ${this.#tree.size} entries here`;
      this.#report('head', Math.min(head.size, this.#tree.size), null, says);
    }
  }

  #report(what: FaultKind, seq: number | null, id: string | null, says: string, to = seq): void {
    const fault: Fault = { what, seq, ...(to === seq || to === null ? {} : { to }), id, says };
    this.#faultCount++;
    if (this.#faults.length < KEPT) this.#faults.push(fault);
    if (!this.#first || (placeOf(fault) < placeOf(this.#first) && !spans(fault, this.#first)))
      this.#first = fault;
  }
}

/** Whether one fault is a span of places in which the other names the place: that one says more. */
function spans(fault: Fault, { seq, to }: Fault): boolean {
  return fault.to !== undefined && to === undefined && seq !== null && seq >= fault.seq! && seq <= fault.to;
}

/** Faults without a place come last. */
function placeOf(fault: Fault): number {
  return fault.seq ?? Infinity;
}

type Report = (what: FaultKind, seq: number | null, id: string | null, says: string) => void;

/** One row of checkpoints, taken up one by one as the tree grows to them. */
class Checkpoints {
  next: Checkpoint | null = null;
  count = 0;
  refuted = false;
  readonly #notes: AsyncIterator<string> | Iterator<string>;

  constructor(
    readonly whose: 'stored' | 'outside',
    notes: AsyncIterable<string> | Iterable<string>,
    private readonly verifiers: readonly Verifier[],
  ) {
    this.#notes = Symbol.asyncIterator in notes ? notes[Symbol.asyncIterator]() : notes[Symbol.iterator]();
  }

  /** Goes on to the next one that its key really signed; reports those that it did not. */
  async advance(report: Report): Promise<void> {
    for (;;) {
      const step = await this.#notes.next();
      if (step.done) {
        this.next = null;
        return;
      }
      this.count++;
      const opened = openCheckpoint(step.value, this.verifiers);
      if (opened.ok) {
        this.next = opened.value;
        return;
      }
      const size = Number(step.value.split('\n')[1]);
      report(
        'checkpoint',
        Number.isSafeInteger(size) && size > 0 ? size - 1 : null,
        null,
        `the ${this.whose} checkpoint of ${size} entries does not hold: ${opened.error}`,
      );
    }
  }
}
