/**
 * What the domain answers when it says no. `api/` and `console/` turn it into a problem document or a page in one
 * place; nothing below them knows a status code.
 */
export interface Refusal {
  kind: RefusalKind;
  /** Stable, machine-readable, kebab-case: `matrix-not-countersigned`. */
  code: string;
  /** One sentence for people. Never holds a secret or another party's data. */
  message: string;
  /** What each bad field is, and how to mend it. */
  fields?: FieldProblem[];
  /** Milliseconds after which asking again makes sense. */
  retryAfter?: number;
}

export type RefusalKind =
  | 'invalid' // the input is wrong
  | 'unauthenticated'
  | 'forbidden'
  | 'not_found' // also: somebody else's
  | 'conflict' // the thing is not in a state for it, or the key is taken
  | 'precondition' // the caller's version is stale, or missing
  | 'too_large'
  | 'too_many'
  | 'unavailable';

export interface FieldProblem {
  /** A JSON pointer into the body, or the name of a parameter, header, column or variable. */
  field: string;
  problem: string;
  /** What to do about it, as an instruction. */
  mend: string;
  /** For files: the line, counted from 1. */
  line?: number;
}

export function refusal(
  kind: RefusalKind,
  code: string,
  message: string,
  more: { fields?: FieldProblem[]; retryAfter?: number } = {},
): Refusal {
  return { kind, code, message, ...more };
}

/** Carries a refusal out of a transaction that must roll back; caught where the transaction was opened. */
export class Refused extends Error {
  override readonly name = 'Refused';
  constructor(readonly refusal: Refusal) {
    super(refusal.message);
  }
}

/** What may be kept of an unknown thrown thing: no control characters, no ill-formed text, at most 2,000 characters. */
export function errorText(thrown: unknown): string {
  const text = thrown instanceof Error ? `${thrown.name}: ${thrown.message}` : String(thrown);
  // NUL and lone surrogates are refused by Postgres; other controls forge log lines and terminals.
  return text
    .toWellFormed()
    .replace(/[\u0000-\u001f\u007f-\u009f]+/g, ' ')
    .slice(0, 2000);
}
