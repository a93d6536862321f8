import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { csvText, type SheetCell } from '../../platform/sheets/csv.ts';
import { TooManyRows, workbook } from '../../platform/sheets/workbook.ts';
import {
  ABOUT_COLUMNS,
  aboutRows,
  MATRIX_COLUMNS,
  matrixSheetRows,
  PORTFOLIO_COLUMNS,
  portfolioRow,
  SIGNATURE_COLUMNS,
  signatureRows,
} from './matrix-sheets.rules.ts';
import { versionView, workingMatrix } from './matrix-views.queries.ts';
import type { MatrixRowView, VersionView } from './matrix.schema.ts';
import { portfolioMatrix, type PortfolioMatrixFilter } from './portfolio-matrix.queries.ts';

type Filter = Omit<PortfolioMatrixFilter, 'after' | 'limit'>;

export type FileFormat = 'csv' | 'xlsx';

/** A file to hand out. */
export interface MatrixFile {
  name: string;
  mediaType: string;
  content: Buffer | AsyncIterable<string>;
}

const MEDIA_TYPES: Readonly<Record<FileFormat, string>> = {
  csv: 'text/csv; charset=utf-8',
  xlsx: 'application/vnd.openxmlformats-officedocument.spreadsheetml.sheet',
};
const AT_ONCE = 500;

/** Matrices as files that a spreadsheet opens without running anything in them. */
@Injectable()
export class MatrixFiles {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /**
   * Integrations against duties, as far as the reader sees them. Read in pages, each in a transaction of its own: CSV passes
   * through little memory, however long it gets.
   */
  async portfolio(format: FileFormat, filter: Filter, by: Principal): Promise<Result<MatrixFile, Refusal>> {
    const file = { name: `matrices.${format}`, mediaType: MEDIA_TYPES[format] };
    const pages = this.#pages(filter, by);
    if (format === 'csv') return ok({ ...file, content: textOf(titlesOf(PORTFOLIO_COLUMNS), pages) });
    try {
      const sheet = { name: 'Matrices', columns: PORTFOLIO_COLUMNS, fixedColumns: 2, rows: pages };
      return ok({ ...file, content: await workbook([sheet]) });
    } catch (thrown) {
      if (!(thrown instanceof TooManyRows)) throw thrown;
      return err(refusal('invalid', 'too-many-rows', `${thrown.message}: narrow the filter, or take CSV.`));
    }
  }

  /** The matrix of one integration. @param number of a version; absent: what is drafted, else the newest version */
  async integration(
    integrationId: Id,
    format: FileFormat,
    number: number | undefined,
    by: Principal,
  ): Promise<Result<MatrixFile, Refusal>> {
    const shown = await this.#shown(integrationId, number, by);
    if (!shown) return err(refusal('not_found', 'no-matrix', 'There is no such integration or version.'));
    const { head, version, drafted, credentials } = shown;
    const rows = matrixSheetRows(shown.rows, credentials);
    const file = {
      name: `matrix-${head.reference}${number === undefined ? '' : `-${number}`}.${format}`,
      mediaType: MEDIA_TYPES[format],
    };
    if (format === 'csv') return ok({ ...file, content: textOf(titlesOf(MATRIX_COLUMNS), [rows]) });
    const content = await workbook([
      { name: 'Matrix', columns: MATRIX_COLUMNS, fixedColumns: 1, rows: [rows] },
      {
        name: 'About',
        columns: ABOUT_COLUMNS,
        rows: [aboutRows(head, { drafted, version }, this.clock.date())],
      },
      ...(version
        ? [{ name: 'Signatures', columns: SIGNATURE_COLUMNS, rows: [signatureRows(version)] }]
        : []),
    ]);
    return ok({ ...file, content });
  }

  async #shown(integrationId: Id, number: number | undefined, by: Principal) {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const [head] = await db.query<{ reference: string; name: string }[]>(
        'SELECT reference, name FROM integration WHERE id = $1',
        [integrationId],
      );
      const working = head && (await workingMatrix(db, integrationId, now));
      if (!head || !working) return undefined;
      const [asked] = await db.query<{ id: Id }[]>(
        'SELECT id FROM matrix_version WHERE integration_id = $1 AND number = $2',
        [integrationId, number ?? working.newest?.number ?? 0],
      );
      if (number !== undefined && !asked) return undefined;
      const version: VersionView | undefined = asked && (await versionView(db, asked.id, now));
      const labels = await db.query<{ id: Id; label: string }[]>(
        'SELECT credential_id AS id, label FROM credential_use WHERE integration_id = $1',
        [integrationId],
      );
      const rows: readonly MatrixRowView[] = number === undefined || !version ? working.rows : version.rows;
      return {
        head,
        version,
        rows,
        drafted: number === undefined && working.drafted,
        credentials: new Map(labels.map(({ id, label }) => [id as string, label])),
      };
    });
  }

  async *#pages(filter: Filter, by: Principal): AsyncGenerator<SheetCell[][]> {
    let after: { name: string; id: Id } | undefined;
    do {
      const rows = await this.transactions.run(by, (db) =>
        portfolioMatrix(db, { ...filter, after, limit: AT_ONCE }, this.clock.now()),
      );
      const last = rows.at(-1);
      after = rows.length === AT_ONCE && last ? { name: last.name, id: last.id } : undefined;
      yield rows.map(portfolioRow);
    } while (after);
  }
}

const titlesOf = (columns: readonly { title: string }[]) => columns.map(({ title }) => title);

async function* textOf(
  titles: readonly string[],
  pages: Iterable<SheetCell[][]> | AsyncIterable<SheetCell[][]>,
): AsyncGenerator<string> {
  yield csvText([titles]);
  for await (const rows of pages) yield csvText(rows);
}
