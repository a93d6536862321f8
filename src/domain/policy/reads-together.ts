import type { Db } from '../../platform/database/transactions.ts';

interface Waiting {
  sql: string;
  parameters: readonly unknown[];
  resolve: (rows: never) => void;
  reject: (thrown: unknown) => void;
}

/**
 * Reads that do not wait for each other go to the database in one statement: of a decision's time the way there and back is
 * the greater part. What is asked in one turn of the event loop travels together, in the transaction that the reads belong
 * to. Rows come as JSON: select numbers, text, booleans, arrays and JSON, and instants as `float8` milliseconds.
 */
export class ReadsTogether {
  #waiting: Waiting[] = [];
  #travelling: Promise<void> | undefined;

  constructor(private readonly db: Db) {}

  /** @throws whatever the database says of any of the reads that travel with this one */
  query<T extends unknown[]>(sql: string, parameters: readonly unknown[]): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ sql, parameters, resolve, reject });
      this.#travelling ??= new Promise((turn) => setImmediate(turn)).then(() => this.#travel());
    });
  }

  async #travel(): Promise<void> {
    const reads = this.#waiting.splice(0);
    this.#travelling = undefined;
    const parameters: unknown[] = [];
    const parts = reads.map((read, at) => {
      const before = parameters.length;
      parameters.push(...read.parameters);
      const sql = read.sql.replaceAll(/\$(\d+)/g, (_, n: string) => `$${before + Number(n)}`);
      return `(SELECT coalesce(json_agg(q), '[]') FROM (${sql}) q) AS r${at}`;
    });
    try {
      const [row] = await this.db.query<Record<string, never>[]>(`SELECT ${parts.join(',\n')}`, parameters);
      reads.forEach((read, at) => read.resolve(row![`r${at}`]!));
    } catch (thrown) {
      for (const read of reads) read.reject(thrown);
    }
  }
}
