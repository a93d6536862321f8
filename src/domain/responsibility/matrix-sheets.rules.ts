import type { SheetCell } from '../../platform/sheets/csv.ts';
import { windowWords } from './matrix-text.rules.ts';
import { DUTIES, dutyWords } from './matrix.rules.ts';
import type { MatrixRowView, VersionView } from './matrix.schema.ts';
import type { PortfolioMatrixLine } from './portfolio-matrix.queries.ts';

interface Column {
  title: string;
  width: number;
}

/** What stands in a cell where somebody should. */
export const GAP = 'GAP';

export const PORTFOLIO_COLUMNS: readonly Column[] = [
  { title: 'reference', width: 16 },
  { title: 'integration', width: 32 },
  { title: 'state', width: 12 },
  { title: 'matrix', width: 14 },
  { title: 'version', width: 9 },
  { title: 'in force from (UTC)', width: 18 },
  { title: 'until (UTC)', width: 18 },
  ...DUTIES.map((duty) => ({ title: dutyWords(duty), width: 22 })),
];

/** One integration of the portfolio: who is accountable for each duty. */
export function portfolioRow(line: PortfolioMatrixLine): SheetCell[] {
  return [
    line.reference,
    line.name,
    stateWords(line.state),
    line.matrixState === null ? 'none' : stateWords(line.matrixState),
    line.number,
    dateOf(line.validFrom),
    dateOf(line.validUntil),
    ...DUTIES.map((duty) => line.accountable[duty]?.join('; ') ?? GAP),
  ];
}

export const MATRIX_COLUMNS: readonly Column[] = [
  { title: 'duty', width: 20 },
  { title: 'part', width: 16 },
  { title: 'only for the credential', width: 24 },
  { title: 'accountable', width: 28 },
  { title: 'performing', width: 34 },
  { title: 'within', width: 14 },
  { title: 'within (minutes)', width: 12 },
  { title: 'path', width: 20 },
  { title: 'contact', width: 26 },
  { title: 'note', width: 40 },
];

/** Duties in their order; a duty that nobody answers for is a row that says so. */
export function matrixSheetRows(
  rows: readonly MatrixRowView[],
  credentials: ReadonlyMap<string, string>,
): SheetCell[][] {
  return DUTIES.flatMap((duty) => {
    const own = rows.filter((row) => row.duty === duty);
    const gap = own.some((row) => row.credentialId === null)
      ? []
      : [[dutyWords(duty), '', '', GAP, '', '', null, '', '', '']];
    return [...gap, ...own.map((row) => matrixSheetRow(row, credentials))];
  });
}

function matrixSheetRow(row: MatrixRowView, credentials: ReadonlyMap<string, string>): SheetCell[] {
  return [
    dutyWords(row.duty),
    row.part,
    row.credentialId === null ? '' : (credentials.get(row.credentialId) ?? 'one credential'),
    row.accountable.name ?? 'another party',
    row.performing.map(({ name }) => name ?? 'another party').join('; '),
    row.windowMinutes ? windowWords(row.windowMinutes) : '',
    row.windowMinutes,
    row.pathKind === null ? '' : row.pathKind === 'connector' ? 'a machine revokes' : 'a contact is asked',
    row.contact === null ? '' : (row.contact.name ?? 'somebody of the other side'),
    row.note,
  ];
}

export const ABOUT_COLUMNS: readonly Column[] = [
  { title: 'about', width: 26 },
  { title: 'is', width: 70 },
];

/** What the rows are: of which integration and version, whether both sides signed it, and its hash. */
export function aboutRows(
  head: { reference: string; name: string },
  shown: { drafted: boolean; version: VersionView | undefined },
  writtenAt: Date,
): SheetCell[][] {
  const { drafted, version } = shown;
  return [
    ['integration', head.name],
    ['reference', head.reference],
    [
      'shows',
      drafted ? 'what is drafted, which nobody has signed' : version ? 'a version' : 'nothing agreed',
    ],
    ...(version
      ? [
          [drafted ? 'drafted upon version' : 'version', version.number],
          ['state of that version', stateWords(version.state)],
          ['hash of its content (SHA-256)', version.contentHash],
          ['proposed (UTC)', dateOf(version.proposedAt)],
          ['in force from (UTC)', dateOf(version.validFrom)],
          ['until (UTC)', dateOf(version.validUntil)],
        ]
      : []),
    ['written (UTC)', writtenAt],
  ];
}

export const SIGNATURE_COLUMNS: readonly Column[] = [
  { title: 'party', width: 30 },
  { title: 'signs for', width: 40 },
  { title: 'signed (UTC)', width: 18 },
  { title: 'until (UTC)', width: 18 },
  { title: 'way', width: 14 },
  { title: 'strength', width: 18 },
  { title: 'counts', width: 40 },
];

/** Who signed the version and who has not. */
export function signatureRows(version: VersionView): SheetCell[][] {
  return [
    ...version.signatures.map((one) => [
      one.party.name ?? 'another party',
      one.signsFor,
      dateOf(one.at),
      dateOf(one.expiresAt),
      stateWords(one.way),
      stateWords(one.strength),
      one.counts ? 'yes' : `no: ${one.why ?? ''}`,
    ]),
    ...version.signers
      .filter(({ signed }) => !signed)
      .map(({ name }) => [name ?? 'another party', '', null, null, '', '', 'has not signed']),
  ];
}

function stateWords(state: string): string {
  return state.replaceAll('_', ' ');
}

function dateOf(instant: string | null): Date | null {
  return instant === null ? null : new Date(instant);
}
