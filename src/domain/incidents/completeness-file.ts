import { Readable } from 'node:stream';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Transactions } from '../../platform/database/transactions.ts';
import { csvText } from '../../platform/sheets/csv.ts';
import { COMPLETENESS_COLUMNS, completenessOf, linesOf } from './completeness.queries.ts';

const AT_ONCE = 2000;

/** The whole proof as CSV, read in pages: what it adds up to on top, then every line. @returns undefined: no such party */
export async function completenessFile(
  transactions: Transactions,
  by: Principal,
  supplierId: Id,
  { now, since }: { now: Millis; since: Millis | null },
): Promise<{ name: string; stream: Readable } | undefined> {
  const whole = await transactions.run(by, (db) => completenessOf(db, supplierId, now, { since, limit: 1 }));
  if (!whole) return undefined;
  async function* portions() {
    yield csvText([
      [
        'supplier',
        whole!.supplier.reference,
        whole!.supplier.name,
        'as of',
        iso(now),
        'versions',
        String(whole!.versions),
        'adds up',
        whole!.addsUp ? 'yes' : 'no',
      ],
      Object.entries(whole!.standings).flatMap(([standing, n]) => [standing, String(n)]),
      COMPLETENESS_COLUMNS,
    ]);
    let after: Id | undefined;
    do {
      const from = after;
      const lines = await transactions.run(by, (db) =>
        linesOf(db, supplierId, now, {
          since: since === null ? null : new Date(since),
          after: from,
          limit: AT_ONCE,
        }),
      );
      yield csvText(lines.map((line) => COMPLETENESS_COLUMNS.map((column) => String(line[column] ?? ''))));
      const last = lines.length === AT_ONCE ? lines.at(-1) : undefined;
      after = last && (last.versionId ?? last.credentialId);
    } while (after !== undefined);
  }
  return { name: `completeness-${whole.supplier.reference}.csv`, stream: Readable.from(portions()) };
}
