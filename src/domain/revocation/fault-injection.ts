import { iso, type Millis } from '../../kernel/time.ts';
import { Secret } from '../../kernel/secret.ts';
import type { Connector, Exchange, IssueAnswer, ProbeAnswer, RevokeAnswer, Target } from './connector.ts';
import type { Injection } from './drill.schema.ts';
import { REFUSED_CALLS, REFUSED_FOR } from './drill-faults.rules.ts';
import type { DrillFault } from './drill.schema.ts';

/** What is to go wrong in one drill, and what of it has. Outlives the process: `record` commits. */
export interface FaultPlan {
  faults: readonly DrillFault[];
  done: Injection[];
  /** The supplier was asked something in this drill before. */
  asked: boolean;
  /** What was issued stands to be presented: at once, or when the drill has made it. */
  presents: boolean;
  /** Which answer is lost. */
  loses: 'issue' | 'revoke';
  record(one: Injection): Promise<void>;
  now(): Millis;
}

/** The worker is gone, as far as anybody can tell: nothing more is written of this try. */
export class WorkerDied extends Error {
  override readonly name = 'WorkerDied';
}

const marks = new WeakMap<object, DrillFault>();

/** The fault that made this answer what it is. */
export function faultIn(answer: object): DrillFault | undefined {
  return marks.get(answer);
}

/**
 * A connector as it is when things go wrong. Called by `CanaryPath` alone, which lets nothing through but the canary of a
 * drill that runs.
 *
 * @param canary what is revoked; what a drill had made is withdrawn without a fault
 * @param presented what is presented broken: the successor where the drill made one, never the control
 */
export function withFaults(
  connector: Connector,
  { canary, presented }: { canary: Target<unknown>; presented: Target<unknown> },
  plan: FaultPlan,
): Connector {
  if (plan.faults.length === 0) return connector;
  const has = (fault: DrillFault) => plan.faults.includes(fault);
  const times = (fault: DrillFault) => plan.done.filter((one) => one.fault === fault).length;
  const note = async (one: Omit<Injection, 'at'>): Promise<void> => {
    const injection = { ...one, at: iso(plan.now()) };
    plan.done.push(injection);
    await plan.record(injection);
  };
  const marked = <T extends object>(fault: DrillFault, answer: T): T => {
    marks.set(answer, fault);
    return answer;
  };
  const unsent = (status: number, extract: string): Exchange => ({
    method: 'INJECTED',
    url: 'nothing was sent to the supplier',
    status,
    extract,
    startedAt: plan.now(),
    endedAt: plan.now(),
  });

  /** Milliseconds to stay away; null: the call may go. */
  const refused = async (part: Injection['part']): Promise<Millis | null> => {
    if (!has('supplier-rejects-reauthentication')) return null;
    const first = !plan.asked;
    plan.asked = true;
    const before = plan.done.filter(({ fault }) => fault === 'supplier-rejects-reauthentication');
    const until = Math.max(0, ...before.map(({ at }) => Date.parse(at) + REFUSED_FOR));
    const early = plan.now() < until;
    if (first || (!early && before.length >= REFUSED_CALLS)) return null;
    await note({
      fault: 'supplier-rejects-reauthentication',
      part,
      did: early
        ? 'answered 429 again: it was asked before the time was over'
        : `answered 429 with Retry-After ${REFUSED_FOR / 1000}`,
      reached: false,
      ...(early ? { early } : {}),
    });
    return early ? until - plan.now() : REFUSED_FOR;
  };
  const TOO_SOON = 'the supplier refuses to be asked again so soon';

  return {
    key: connector.key,
    title: connector.title,
    settings: connector.settings,
    capabilities: connector.capabilities,
    revocability: (settings, kind) => connector.revocability(settings, kind),
    abilities: (settings, kind) => connector.abilities(settings, kind),
    ...(connector.probe && {
      async probe(target, call): Promise<ProbeAnswer> {
        const after = await refused(target === canary || target === presented ? 'probe' : 'control');
        if (after !== null)
          return marked('supplier-rejects-reauthentication', {
            verdict: 'indeterminate',
            why: TOO_SOON,
            exchange: unsent(429, `Retry-After: ${after / 1000}`),
            retryAfter: after,
          });
        if (target !== presented || !plan.presents || !has('invalid-new-secret'))
          return connector.probe!(target, call);
        await note({
          fault: 'invalid-new-secret',
          part: 'probe',
          did: 'presented a broken value in place of the right one',
          reached: true,
        });
        const broken = brokenOf(target);
        try {
          return marked('invalid-new-secret', await connector.probe!(broken, call));
        } finally {
          broken.value?.wipe();
        }
      },
    }),
    ...(connector.checkOwnAuthentication && {
      async checkOwnAuthentication(target, call): Promise<ProbeAnswer> {
        const after = await refused('own_authentication');
        if (after === null) return connector.checkOwnAuthentication!(target, call);
        return marked('supplier-rejects-reauthentication', {
          verdict: 'indeterminate',
          why: TOO_SOON,
          exchange: unsent(429, `Retry-After: ${after / 1000}`),
          retryAfter: after,
        });
      },
    }),
    ...(connector.listIssued && {
      listIssued: (target, call) => connector.listIssued!(target, call),
    }),
    ...(connector.issue && {
      async issue(target, request, call): Promise<IssueAnswer> {
        const after = await refused('issue');
        if (after !== null)
          return marked('supplier-rejects-reauthentication', {
            outcome: 'retry',
            why: TOO_SOON,
            after,
            exchange: unsent(429, `Retry-After: ${after / 1000}`),
          });
        const answer = await connector.issue!(target, request, call);
        if (answer.outcome !== 'issued' || !has('response-lost') || plan.loses !== 'issue') return answer;
        if (times('response-lost') > 0) return answer;
        await note({
          fault: 'response-lost',
          part: 'issue',
          did: 'lost the answer of the supplier, which had made a new one',
          reached: true,
        });
        answer.issued.value.wipe();
        return marked('response-lost', {
          outcome: 'unknown',
          why: 'no answer came',
          exchange: { ...answer.exchange, status: null, extract: '', failure: 'timeout' },
        });
      },
    }),
    ...(connector.revoke && {
      async revoke(target, call): Promise<RevokeAnswer> {
        const after = await refused('revoke');
        if (after !== null)
          return marked('supplier-rejects-reauthentication', {
            outcome: 'retry',
            why: TOO_SOON,
            after,
            exchange: unsent(429, `Retry-After: ${after / 1000}`),
          });
        if (target !== canary) return connector.revoke!(target, call);
        if (has('lying-200')) {
          await note({
            fault: 'lying-200',
            part: 'revoke',
            did: 'answered 200 and kept the request from the supplier',
            reached: false,
          });
          return marked('lying-200', { outcome: 'accepted', exchange: unsent(200, 'OK') });
        }
        const answer = await connector.revoke!(target, call);
        if (answer.outcome !== 'accepted' && answer.outcome !== 'gone') return answer;
        if (has('worker-dies') && times('worker-dies') === 0) {
          await note({
            fault: 'worker-dies',
            part: 'revoke',
            did: 'let the worker die after the supplier had answered and before that was written down',
            reached: true,
          });
          throw new WorkerDied('the worker died in mid-cut-over, as this drill asks for');
        }
        if (has('response-lost') && plan.loses === 'revoke' && times('response-lost') === 0) {
          await note({
            fault: 'response-lost',
            part: 'revoke',
            did: 'lost the answer of the supplier, which had done it',
            reached: true,
          });
          return marked('response-lost', {
            outcome: 'unknown',
            why: 'no answer came',
            exchange: { ...answer.exchange, status: null, extract: '', failure: 'timeout' },
          });
        }
        return answer;
      },
    }),
  };
}

/** The same credential as it is when what was issued does not work. */
function brokenOf(target: Target<unknown>): Target<unknown> {
  const value =
    target.value?.use((text) =>
      Secret.of(text.slice(0, -4) + text.slice(-4).replaceAll(/[^]/g, (char) => (char === 'x' ? 'y' : 'x'))),
    ) ?? null;
  const supplierId = target.supplierId === null ? null : `${target.supplierId}x`;
  // Where the value is what is presented, the id stays: only what does not work is broken.
  return value ? { ...target, value } : { ...target, supplierId };
}
