import { open, type FileHandle } from 'node:fs/promises';
import type { DataSource } from 'typeorm';
import { Refused, refusal } from '../../kernel/errors.ts';
import { checkpointLine, headLine, recordLine } from '../../kernel/ledger-file.ts';
import { PostgresLedger } from './postgres-ledger.ts';

export interface ExportSettings {
  dataSource: DataSource;
  /** The log's name. */
  origin: string;
  /** Must not exist yet. */
  file: string;
  /** Leave the committed texts out: what is left names nobody, and verifies all the same. */
  withoutDetails?: boolean;
}

/**
 * Writes every sequenced entry and every checkpoint of one snapshot to a file that `verify` checks without this server.
 *
 * @returns how many of each. @throws Refused when the file is there already or cannot be made
 */
export async function exportLedger(o: ExportSettings): Promise<{ entries: number; checkpoints: number }> {
  // Committed texts are personal data: the file is for whoever ran the command.
  const file = await create(o.file);
  try {
    return await PostgresLedger.read(o.dataSource, async (ledger) => {
      const written = { entries: 0, checkpoints: 0 };
      await file.write(headLine(o.origin));
      for await (const page of ledger.entries()) {
        let text = '';
        for (const { details, ...record } of page) {
          if (record.seq === null) continue;
          text += recordLine({ ...record, seq: record.seq, ...(o.withoutDetails ? {} : { details }) });
          written.entries++;
        }
        await file.write(text);
      }
      for await (const note of ledger.checkpoints()) {
        await file.write(checkpointLine(note));
        written.checkpoints++;
      }
      await file.sync();
      return written;
    });
  } finally {
    await file.close();
  }
}

async function create(path: string): Promise<FileHandle> {
  try {
    return await open(path, 'wx', 0o600);
  } catch (thrown) {
    const code = (thrown as { code?: string }).code ?? 'unknown';
    const problem = code === 'EEXIST' ? 'is there already' : `cannot be made (${code})`;
    throw new Refused(
      refusal('conflict', 'file-not-made', `The file ${path} ${problem}; name another one.`, {
        fields: [
          { field: 'file', problem, mend: 'Name a file that is not there, in a folder that you may write.' },
        ],
      }),
    );
  }
}

/** The command. @returns its exit status */
export async function ledgerExportCommand(
  o: ExportSettings & { vkey: string; json: boolean; write: (text: string) => void },
): Promise<0> {
  const written = await exportLedger(o);
  o.write(
    o.json
      ? `${JSON.stringify({ ...written, file: o.file, vkey: o.vkey })}\n`
      : `${written.entries} entries and ${written.checkpoints} checkpoints written to ${o.file}.\nVerifier key: ${o.vkey}\n`,
  );
  return 0;
}
