import type { Millis } from '../../../kernel/time.ts';
import type { FrameworkReference } from '../frameworks.rules.ts';
import type { GateFacts, SUBJECT_KINDS } from '../facts.schema.ts';
import type { Limits, Severity } from '../policy.schema.ts';

/** What a finding is about. The name is for people. */
export interface Subject {
  kind: (typeof SUBJECT_KINDS)[number];
  id: string;
  name: string;
}

/** One side of a contradiction: where it stands, and what it says there. */
export interface Place {
  where: string;
  says: string;
}

/** What a rule found wrong. */
export interface RuleFinding {
  subject: Subject;
  message: string;
  /** One sentence, an instruction. */
  mend: string;
  /** For contradictions: both places. */
  places?: readonly [Place, Place];
}

/** A rule: facts in, findings out. Pure; nothing but its arguments decides. */
export interface Rule {
  name: string;
  title: string;
  /** Unless the policy says otherwise. */
  severity: Severity;
  frameworks: readonly FrameworkReference[];
  find(facts: GateFacts, limits: Limits, now: Millis): RuleFinding[];
  /** Why it can never find anything under these limits; undefined when it can. */
  idle?(limits: Limits): string | undefined;
}

export function integrationOf({ integration: { id, name } }: GateFacts): Subject {
  return { kind: 'integration', id, name };
}

export function subjectOf(kind: Subject['kind'], { id, name }: { id: string; name: string }): Subject {
  return { kind, id, name };
}

/** The matrix of an integration as the subject of a finding. */
export function matrixOf(facts: GateFacts): Subject {
  return facts.matrix
    ? {
        kind: 'matrix',
        id: facts.matrix.id,
        name: `version ${facts.matrix.number} of ${facts.integration.name}`,
      }
    : integrationOf(facts);
}

/** A stored word as people write it. */
export function words(stored: string): string {
  return stored.replaceAll('_', ' ').replaceAll('-', ' ');
}

/** "90 days", "36 hours". */
export function lengthWords(length: Millis): string {
  const hours = Math.round(length / 3_600_000);
  if (hours < 1) return `${Math.round(length / 60_000)} minutes`;
  if (hours < 72) return hours === 1 ? '1 hour' : `${hours} hours`;
  return `${Math.floor(hours / 24)} days`;
}

/** The day of an instant, UTC. */
export function day(at: Millis): string {
  return new Date(at).toISOString().slice(0, 10);
}
