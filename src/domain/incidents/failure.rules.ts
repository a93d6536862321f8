import { iso, MINUTE, type Millis } from '../../kernel/time.ts';
import type { Verdict } from '../revocation/connector.ts';

/**
 * What a failure after a revocation is. `authentication`: the credential that was used is not accepted. `outage`: our own
 * service. `supplier`: theirs. `user`: what one actor does. `unclear`: what is known does not tell.
 */
export const FAILURE_CLASSES = ['authentication', 'outage', 'supplier', 'user', 'unclear'] as const;
export type FailureClass = (typeof FAILURE_CLASSES)[number];

export const WIRE_FAILURES = ['dns', 'connect', 'tls', 'timeout', 'protocol'] as const;
export type WireFailure = (typeof WIRE_FAILURES)[number];

/** How far apart two looks at one supplier may be and still speak of the same trouble. */
export const TOGETHER = 15 * MINUTE;

export interface FailureFacts {
  at: Millis;
  /** Of the answer that the consumer got; null: none came. */
  status: number | null;
  failure: WireFailure | null;
  /** How many users or jobs used it, and how many of them failed; null: not known. */
  actors: number | null;
  actorsFailing: number | null;
  /** The version that the consumer used, where it was `named`; else the exposed one, which it may have used. */
  version: { label: string; named: boolean; dead: boolean; revoked: boolean; live: boolean } | null;
  /** Whether our own authentication at the supplier was accepted at about that time. null: nobody tried. */
  ownAuthentication: Verdict | null;
  /** The control canary, at about that time. */
  control: Verdict | null;
  /** How many other credentials of the same supplier failed in the same way at about that time. */
  othersOfSupplier: number;
}

/**
 * Tells an authentication failure from an outage of ours, of the supplier and from a user's error. It says "unclear"
 * wherever what is known fits more than one.
 */
export function classify(facts: FailureFacts): { class: FailureClass; why: string } {
  const { status } = facts;
  if (status === null && facts.failure === null)
    return { class: 'unclear', why: 'not said: neither a status nor why no answer came' };
  if (status === 401 || status === 403) return refused(facts, status);
  if (status === 429) {
    return (
      supplierFor(facts) ?? {
        class: 'unclear',
        why: 'the supplier limits the rate; whose calls use it up is not known',
      }
    );
  }
  if (facts.failure !== null || status === null) return unanswered(facts);
  if (status >= 500 || status === 408) return answeredBadly(facts, status);
  if (status >= 400) return rejected(facts, status);
  return { class: 'unclear', why: `the answer ${status} is no failure by itself` };
}

function refused(facts: FailureFacts, status: number): { class: FailureClass; why: string } {
  const { version } = facts;
  // Only what is refused together with a credential that should live speaks of the supplier.
  if (facts.control === 'dead' || facts.ownAuthentication === 'dead')
    return {
      class: 'supplier',
      why: `refused (${status}), and the supplier refuses ${facts.control === 'dead' ? 'the control canary' : 'our own authentication'} as well`,
    };
  const ended = version?.dead ? 'was proven dead' : version?.revoked && !version.live ? 'was revoked' : null;
  if (version && ended !== null) {
    // What is dead is refused to everybody: most of them use something else, and so may these.
    if (!version.named && mostSucceed(facts))
      return {
        class: 'unclear',
        why: `refused (${status})${shareOf(facts)}: it may have used ${version.label}, which ${ended}, or fail for a reason of its own`,
      };
    return {
      class: 'authentication',
      why: `refused (${status})${shareOf(facts)}: ${used(version)} ${ended}`,
    };
  }
  if (facts.othersOfSupplier >= 2)
    return {
      class: 'supplier',
      why: `refused (${status}) together with ${facts.othersOfSupplier} other credentials of the same supplier`,
    };
  if (version?.live && single(facts))
    return {
      class: 'user',
      why: `refused (${status}) for one of ${facts.actors}, while the verifier accepts ${version.label}`,
    };
  if (status === 401 && !version?.live) {
    if (!mostSucceed(facts))
      return {
        class: 'authentication',
        why: `refused (401)${shareOf(facts)}: the credential that it used is not accepted`,
      };
    return single(facts) && few(facts)
      ? {
          class: 'user',
          why: `refused (401)${shareOf(facts)}: the credential works, what this one sends does not`,
        }
      : {
          class: 'unclear',
          why: `refused (401)${shareOf(facts)}: an old copy of the credential, or the callers themselves`,
        };
  }
  return {
    class: 'unclear',
    why: version?.live
      ? `refused (${status}), although the verifier accepts ${version.label}`
      : `refused (${status}): the credential, its rights, or the caller`,
  };
}

function unanswered(facts: FailureFacts): { class: FailureClass; why: string } {
  const supplier = supplierFor(facts);
  if (supplier) return supplier;
  const answers = facts.control === 'live' || facts.ownAuthentication === 'live';
  if (answers) {
    return single(facts)
      ? { class: 'user', why: `${symptom(facts)} for one of ${facts.actors}, while the supplier answers us` }
      : { class: 'outage', why: `${symptom(facts)}, while the supplier answers us: it is on our side` };
  }
  return { class: 'unclear', why: `${symptom(facts)}, and nobody has asked the supplier at about that time` };
}

/** An answer came, and it is no proof of anything on our side: whoever gave it was reached. */
function answeredBadly(facts: FailureFacts, status: number): { class: FailureClass; why: string } {
  const supplier = supplierFor(facts);
  if (supplier) return supplier;
  const says = `answered ${status}: the supplier answers, and not well`;
  if (facts.control !== 'live' && facts.ownAuthentication !== 'live')
    return { class: 'unclear', why: `${says}; nobody has asked it at about that time` };
  return single(facts)
    ? { class: 'user', why: `answered ${status} for one of ${facts.actors}, while the supplier answers us` }
    : { class: 'unclear', why: `${says}, though it answers us: a part of it, or what stands between` };
}

function rejected(facts: FailureFacts, status: number): { class: FailureClass; why: string } {
  if (single(facts))
    return {
      class: 'user',
      why: `answered ${status} for one of ${facts.actors}: what was asked for is wrong`,
    };
  return { class: 'unclear', why: `answered ${status}: what was asked for is wrong, or has changed` };
}

/** Others of the same supplier fail with it, or the supplier gives us no usable answer either. */
function supplierFor(facts: FailureFacts): { class: FailureClass; why: string } | null {
  if (facts.control === 'live' || facts.ownAuthentication === 'live') return null;
  if (facts.othersOfSupplier >= 2)
    return {
      class: 'supplier',
      why: `${symptom(facts)} together with ${facts.othersOfSupplier} other credentials of the same supplier`,
    };
  if (facts.control === 'indeterminate' || facts.ownAuthentication === 'indeterminate')
    return { class: 'supplier', why: `${symptom(facts)}, and the supplier gave us no usable answer either` };
  return null;
}

function used({ label, named }: { label: string; named: boolean }): string {
  return `${label}, which it ${named ? 'used,' : 'may have used,'}`;
}

function single(facts: FailureFacts): boolean {
  return facts.actorsFailing === 1 && facts.actors !== null && facts.actors > 1;
}

/** At least half of those who use it do not fail. */
function mostSucceed({ actors, actorsFailing }: FailureFacts): boolean {
  return actors !== null && actorsFailing !== null && actorsFailing > 0 && actorsFailing * 2 <= actors;
}

/** No more than one in ten fails. */
function few({ actors, actorsFailing }: FailureFacts): boolean {
  return actors !== null && actorsFailing !== null && actorsFailing * 10 <= actors;
}

/** How many it is of how many, where that is known. */
function shareOf({ actors, actorsFailing }: FailureFacts): string {
  if (actors === null || actorsFailing === null || actorsFailing === 0 || actorsFailing > actors) return '';
  if (actorsFailing === actors) return actors === 1 ? '' : ` for all ${actors} of its users`;
  return ` for ${actorsFailing} of ${actors}, while ${actors - actorsFailing} are accepted`;
}

function symptom({ status, failure, at }: FailureFacts): string {
  return status === null ? `no answer at ${iso(at)} (${failure})` : `answered ${status}`;
}
