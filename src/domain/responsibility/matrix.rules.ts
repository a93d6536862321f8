import { createHash } from 'node:crypto';
import { canonicalJson, parseCanonicalJson, type CanonicalValue } from '../../kernel/canonical-json.ts';
import type { Id } from '../../kernel/ids.ts';

/** What somebody must answer for on every integration. */
export const DUTIES = [
  'admission',
  'issuance',
  'storage',
  'distribution',
  'scope_approval',
  'rotation',
  'monitoring',
  'revocation',
  'notification',
  'containment',
  'downstream_impact',
  'recovery',
] as const;
export type Duty = (typeof DUTIES)[number];

/** Who answers for one duty, or one named part of it. */
export interface MatrixRowFacts {
  duty: Duty;
  /** An environment, a region, half of the work; empty for the whole duty. */
  part: string;
  /** Overrides the row for one credential. */
  credentialId: Id | null;
  accountablePartyId: Id;
  performingPartyIds: readonly Id[];
  /** Within how long the duty is done once it is due, in elapsed minutes; absent or null: no window was agreed. */
  windowMinutes?: number | null;
  /** Of a revocation: whether a connector does it or a contact is asked. */
  pathKind?: PathKind | null;
}

export const PATH_KINDS = ['connector', 'contact'] as const;
export type PathKind = (typeof PATH_KINDS)[number];

/** What the integration was when its matrix was proposed: what widens it is material. Sorted, each once. */
export interface Declared {
  /** Kinds of credentials that it uses. */
  credentialKinds: readonly string[];
  /** Parties that keep a copy of one. */
  storingPartyIds: readonly Id[];
  scopes: readonly string[];
}

export interface Matrix {
  integrationId: Id;
  rows: readonly MatrixRowFacts[];
  declared?: Declared | null;
  /** SHA-256 of the terms that are signed with it, lower-case hex. */
  terms?: string | null;
}

/**
 * What is signed: the material content, whatever order the rows came in. Contacts and notes are immaterial and stay out,
 * so that a new contact person leaves signatures standing. RFC 8785 text.
 */
export function matrixContent(matrix: Matrix): string {
  const rows = matrix.rows
    .map((row) => ({
      accountable: row.accountablePartyId,
      ...(row.credentialId === null ? {} : { credential: row.credentialId }),
      duty: row.duty,
      part: row.part,
      ...(row.pathKind ? { path: row.pathKind } : {}),
      performing: [...new Set(row.performingPartyIds)].sort(),
      ...(row.windowMinutes ? { window: row.windowMinutes } : {}),
    }))
    .map((row) => ({ row, order: `${row.duty}\u0000${row.part}\u0000${row.credential ?? ''}` }))
    .sort((a, b) => (a.order < b.order ? -1 : a.order > b.order ? 1 : 0))
    .map(({ row }) => row);
  const { declared, terms } = matrix;
  return canonicalJson({
    ...(declared
      ? {
          declared: {
            kinds: [...declared.credentialKinds],
            scopes: [...declared.scopes],
            storing: [...declared.storingPartyIds],
          },
        }
      : {}),
    format: 'countersign-matrix-1',
    integration: matrix.integrationId,
    rows,
    // Left out where none are, so that versions from before they could be bound keep their hash.
    ...(terms ? { terms } : {}),
  });
}

/** SHA-256 of the content: what every accountable party must have attested for the matrix to be countersigned. */
export function matrixHash(matrix: Matrix): Buffer {
  return createHash('sha256').update(matrixContent(matrix)).digest();
}

/**
 * The hash that a content would have if it said only who answers and who performs, which is all that a portfolio file can
 * say. A file that was imported before changes nothing when windows were agreed since.
 *
 * @returns undefined for what is no content of a matrix
 */
export function partiesHash(content: string): Buffer | undefined {
  const read = parseCanonicalJson(content) as
    { integration?: string; rows?: readonly Record<string, CanonicalValue>[] } | null | undefined;
  if (!read?.integration || !read.rows) return undefined;
  const rows = read.rows.map(({ window: _window, path: _path, ...row }) => row);
  const text = canonicalJson({ format: 'countersign-matrix-1', integration: read.integration, rows });
  return createHash('sha256').update(text).digest();
}

/** What a matrix leaves open. */
export interface MatrixGap {
  duty: Duty;
  part: string;
  /** One sentence that says what to do. */
  mend: string;
}

/** Duties that nobody answers for, and answers without anyone who does the work. */
export function gapsOf(rows: readonly MatrixRowFacts[]): MatrixGap[] {
  const gaps: MatrixGap[] = [];
  for (const duty of DUTIES) {
    if (!rows.some((row) => row.duty === duty && row.credentialId === null)) {
      gaps.push({
        duty,
        part: '',
        mend: `Name the party accountable for ${dutyWords(duty)} and who performs it.`,
      });
    }
  }
  for (const row of rows) {
    if (row.performingPartyIds.length === 0) {
      gaps.push({
        duty: row.duty,
        part: row.part,
        mend: `Name at least one party that performs ${dutyWords(row.duty)}.`,
      });
    }
  }
  return gaps;
}

/** A duty as people write it. */
export function dutyWords(duty: Duty): string {
  return duty.replaceAll('_', ' ');
}

/** "Shared" is not a word that anybody types: it follows from the parts having different accountable parties. */
export function isShared(rows: readonly MatrixRowFacts[], duty: Duty): boolean {
  return (
    new Set(
      rows
        .filter((row) => row.duty === duty && row.credentialId === null)
        .map((row) => row.accountablePartyId),
    ).size > 1
  );
}

/** Where an exposed credential stands: what may decide which part of a duty is meant. */
export interface ExposedCredential {
  credentialId: Id;
  environment: string;
  region?: string;
}

export type Accountable =
  | {
      duty: Duty;
      partyId: Id;
      performingPartyIds: readonly Id[];
      because: 'credential' | 'part' | 'whole';
      part: string;
    }
  /** No row applies, or several with different parties and nothing that decides between them. */
  | { duty: Duty; partyId: null; because: 'gap' | 'ambiguous'; candidates: readonly Id[] };

/**
 * Who is accountable for each duty as to one exposed credential. The nearest row wins: one for this credential, one for
 * its environment or region, one for the whole duty. Parts that name something else apply only when all of them agree.
 */
export function accountableFor(exposed: ExposedCredential, matrix: Pick<Matrix, 'rows'>): Accountable[] {
  return DUTIES.map((duty) => {
    const rows = matrix.rows.filter(
      (row) => row.duty === duty && (row.credentialId === null || row.credentialId === exposed.credentialId),
    );
    const parts = [exposed.environment, exposed.region].filter((part) => part !== undefined);
    const nearest = (
      [
        ['credential', rows.filter((row) => row.credentialId !== null)],
        ['part', rows.filter((row) => row.credentialId === null && parts.includes(row.part))],
        ['whole', rows.filter((row) => row.credentialId === null && row.part === '')],
        ['part', rows.filter((row) => row.credentialId === null)],
      ] as const
    ).find(([, found]) => found.length > 0);
    if (!nearest) return { duty, partyId: null, because: 'gap' as const, candidates: [] };
    const [because, found] = nearest;
    const candidates = [...new Set(found.map((row) => row.accountablePartyId))];
    const [partyId, another] = candidates;
    if (partyId === undefined || another !== undefined)
      return { duty, partyId: null, because: 'ambiguous' as const, candidates };
    const performingPartyIds = [...new Set(found.flatMap((row) => row.performingPartyIds))];
    return {
      duty,
      partyId,
      performingPartyIds,
      because,
      part: found.length === 1 ? (found[0]?.part ?? '') : '',
    };
  });
}
