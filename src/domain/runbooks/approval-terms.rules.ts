import type { Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { mayDecide, whoIs, type Decision } from './approval.rules.ts';
import type { Approval } from './definition.schema.ts';
import { REQUEST, whyApart, type Part } from './separation.rules.ts';

/** What decides who may have a say in a step that waits for approval, as of one moment. */
export interface ApprovalTerms extends Pick<Approval, 'roles' | 'fourEyes'> {
  requestedBy: string;
  decisions: Decision[];
  runbook: { title: string; separation?: string[][] };
  /** The part of whoever decides; absent: none that is kept apart. */
  act?: string;
  /** Parts that people have in the run already. */
  parts: Part[];
}

/** Why somebody may not decide on the step; undefined: they may. The act itself asks again, under its lock. */
export function whyNotDecide(terms: ApprovalTerms, by: Principal): Refusal | undefined {
  const refused = mayDecide(terms, { who: whoIs(by), roles: by.roles }, terms.requestedBy, terms.decisions);
  if (refused || terms.act === undefined) return refused;
  const before = [{ act: REQUEST, who: terms.requestedBy }, ...terms.parts];
  return whyApart(terms.runbook, before, terms.act, by) ?? undefined;
}
