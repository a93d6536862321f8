import { SECOND, type Millis } from '../../kernel/time.ts';
import type { DrillExchange, DrillFault, DrillFinding, Injection } from './drill.schema.ts';

interface FaultWords {
  title: string;
  /** What happens. */
  does: string;
  /** What has to come of it. */
  expected: string;
  /** Nothing can be proven dead under it: such a drill passes when nobody claims that it was. */
  forbidsProof: boolean;
}

export const FAULT_WORDS: Readonly<Record<DrillFault, FaultWords>> = {
  'invalid-new-secret': {
    title: 'What was issued does not work',
    does: 'The value that is presented to the supplier is a broken one, so that the supplier refuses it.',
    expected: 'Nothing is revoked on the strength of it, and no death is claimed.',
    forbidsProof: true,
  },
  'supplier-rejects-reauthentication': {
    title: 'The supplier refuses to be asked again so soon',
    does: 'After the first call the supplier answers 429 twice, with a Retry-After of two seconds.',
    expected: 'Nobody asks before the time is over, and the death is proven all the same.',
    forbidsProof: false,
  },
  'worker-dies': {
    title: 'The worker dies in mid-cut-over',
    does: 'The supplier has done it; the worker that asked is gone before it wrote that down.',
    expected: 'Another worker takes over, looks before it acts, and the death is proven.',
    forbidsProof: false,
  },
  'response-lost': {
    title: 'The answer is lost',
    does: 'The supplier does it, and its answer never comes.',
    expected:
      'It is not taken for done: somebody looks before anything is asked again, and the death is proven.',
    forbidsProof: false,
  },
  'lying-200': {
    title: 'The supplier says yes and does nothing',
    does: 'The revoke is answered with 200 and never reaches the supplier.',
    expected: 'It is never called dead while it still works.',
    forbidsProof: true,
  },
};

/** How long the supplier of a drill asks to be left alone, and how many calls it refuses. */
export const REFUSED_FOR: Millis = 2 * SECOND;
export const REFUSED_CALLS = 2;

/** Whether a proof of death is what a drill with these faults is for. */
export function provable(faults: readonly DrillFault[]): boolean {
  return !faults.some((fault) => FAULT_WORDS[fault].forbidsProof);
}

export interface DrillRecord {
  faults: readonly DrillFault[];
  injections: readonly Injection[];
  evidence: readonly DrillExchange[];
  revokeSent: boolean;
  provenAt: Millis | null;
  /** How far a rotation came; null: the drill only revokes. */
  rotation: { made: boolean; validated: boolean; withdrawn: boolean } | null;
}

/** What came of each fault: whether what was expected held, and in words what was done and said. */
export function findingsOf(record: DrillRecord): DrillFinding[] {
  return record.faults.map((fault): DrillFinding => {
    const done = record.injections.filter((one) => one.fault === fault);
    const { expected } = FAULT_WORDS[fault];
    const [first] = done;
    if (!first)
      return {
        fault,
        expected,
        held: null,
        said: 'The drill ended before it could happen.',
        times: 0,
        at: null,
        seconds: null,
      };
    const at = Date.parse(first.at);
    const seconds = record.provenAt === null ? null : Math.max(0, record.provenAt - at) / 1000;
    return { fault, expected, ...judge(fault, record, done), times: done.length, at: first.at, seconds };
  });
}

/** Whether the drill did what it was for. Under a fault that forbids a proof: that nobody claimed one. */
export function drillPassed(record: DrillRecord, findings: readonly DrillFinding[]): boolean {
  if (findings.some(({ held }) => held === false)) return false;
  if (provable(record.faults)) return record.provenAt !== null;
  return (
    record.provenAt === null &&
    findings.some(({ fault, held }) => held === true && FAULT_WORDS[fault].forbidsProof)
  );
}

/**
 * Whether the canary may have been revoked, or is no use any more. A revoke under `lying-200` never leaves; a refusal that
 * was provoked with a broken value says nothing of the canary.
 */
export function canaryTouched(record: DrillRecord): boolean {
  const refused = record.evidence.some(
    ({ kind, outcome, injected }) => kind === 'probe' && outcome === 'dead' && injected === undefined,
  );
  if (record.faults.includes('lying-200')) return refused;
  if (record.rotation || record.faults.includes('invalid-new-secret')) return refused || record.revokeSent;
  return record.revokeSent || record.evidence.length > 0;
}

/**
 * Whether the canary was refused before anybody asked to revoke it: a bad canary, which says nothing of the path. A refusal
 * that was provoked is none, and neither is that of a new one that a rotation made and nobody saw working.
 */
export function canaryWasDead({ evidence, revokeSent, rotation }: DrillRecord): boolean {
  const last = evidence.at(-1);
  return (
    !revokeSent &&
    last?.kind === 'probe' &&
    last.outcome === 'dead' &&
    last.injected === undefined &&
    (rotation === null || rotation.validated)
  );
}

type Judged = Pick<DrillFinding, 'held' | 'said'>;

function judge(fault: DrillFault, record: DrillRecord, done: readonly Injection[]): Judged {
  const at = Date.parse(done[0]!.at);
  // Kept in the order in which they happened. Where the exchange itself was lost with its worker, the instant tells; what
  // was seen alive in that very instant was seen before.
  const hit = record.evidence.findIndex(({ injected }) => injected === fault);
  const after =
    hit >= 0
      ? record.evidence.slice(hit + 1)
      : record.evidence.filter(
          ({ from, outcome }) => Date.parse(from) > at || (Date.parse(from) === at && outcome !== 'live'),
        );
  const proven = record.provenAt !== null;
  const asExpected = !provable(record.faults) || proven;
  if (fault === 'response-lost' && record.rotation) {
    const listed = after.findIndex(({ kind }) => kind === 'list');
    const issued = after.findIndex(({ kind }) => kind === 'issue');
    const first = listed >= 0 && (issued < 0 || listed < issued);
    const gone = after.some(({ kind, outcome }) => kind === 'withdraw' && outcome !== 'unknown');
    return {
      held: first && gone && asExpected,
      said: `The answer to making a new one was lost. ${
        first
          ? 'The supplier’s list was read before another one was asked for'
          : 'Another one was asked for before anybody looked'
      }${gone ? ', and the one that nobody knew the value of was withdrawn.' : ', and what was made is left over.'} ${ending(record)}`,
    };
  }
  switch (fault) {
    case 'response-lost':
    case 'worker-dies': {
      const asked = after.findIndex(({ kind }) => kind === 'revoke');
      const looked = after.findIndex(({ kind }) => kind === 'probe');
      const first = looked >= 0 && (asked < 0 || looked < asked);
      const again = after.filter(({ kind }) => kind === 'revoke').length;
      const begin =
        fault === 'response-lost'
          ? 'The answer to the revoke was lost.'
          : `The worker was gone after the supplier had answered${takenOver(after, at)}.`;
      const then = !first
        ? looked < 0
          ? 'Nobody looked what had become of it.'
          : 'It was revoked a second time before anybody looked.'
        : again === 0
          ? 'It was looked at before anything was asked again, and was not revoked a second time.'
          : `It was looked at before it was revoked again (${times(again)}).`;
      return { held: first && asExpected, said: `${begin} ${then} ${ending(record)}` };
    }
    case 'supplier-rejects-reauthentication': {
      const early = done.filter((one) => one.early).length;
      return {
        held: early === 0 && asExpected,
        said:
          `The supplier refused ${times(done.length)} and asked for ${REFUSED_FOR / SECOND} s of rest. ` +
          (early === 0
            ? 'Nobody asked before that was over.'
            : `It was asked too early ${times(early)} all the same.`) +
          ` ${ending(record)}`,
      };
    }
    case 'lying-200': {
      const looks = after.filter(({ kind }) => kind === 'probe').length;
      return {
        held: !proven && looks > 0,
        said: proven
          ? `The supplier said yes and did nothing. ${ending(record)}`
          : looks === 0
            ? 'The supplier said yes and did nothing, and nobody looked.'
            : `The supplier said yes and did nothing. It was looked at ${times(looks)}, and never called dead.`,
      };
    }
    case 'invalid-new-secret':
      return {
        held: !record.revokeSent && !proven && (record.rotation?.withdrawn ?? true),
        said: record.rotation
          ? record.revokeSent
            ? `The new one did not work, and the old one was revoked all the same. ${ending(record)}`
            : `The new one was refused (${times(done.length)}). The old one was left alive, and the new one was ${record.rotation.withdrawn ? 'withdrawn' : 'left over'}.`
          : record.revokeSent
            ? `What was issued did not work, and a revoke went out all the same. ${ending(record)}`
            : `What was issued was refused (${times(done.length)}), and nothing was revoked: what is refused before anybody revoked it proves nothing.`,
      };
  }
}

function ending(record: DrillRecord): string {
  return record.provenAt === null ? 'Its death was not proven.' : 'Its death was proven, with its control.';
}

function takenOver(later: readonly DrillExchange[], at: Millis): string {
  const [next] = later;
  if (!next) return ', and nobody took over';
  const seconds = Math.max(0, Date.parse(next.from) - at) / 1000;
  return `, and another one took over after ${seconds < 10 ? seconds.toFixed(1) : Math.round(seconds)} s`;
}

function times(count: number): string {
  return count === 1 ? 'once' : count === 2 ? 'twice' : `${count} times`;
}
