import type { DataSource } from 'typeorm';
import { parseVkey, type Verifier } from '../../kernel/checkpoint.ts';
import { checkLedger, type LedgerVerdict } from '../../kernel/ledger-check.ts';
import { describeVerdict } from '../../kernel/ledger-words.ts';
import { CheckpointFolder } from './checkpoint-folder.ts';
import { PostgresLedger } from './postgres-ledger.ts';

export interface VerifySettings {
  dataSource: DataSource;
  dataFolder: string;
  /** Of the log's key, and of earlier keys where there were any. */
  vkeys: readonly string[];
}

/**
 * Checks the whole ledger against its own checkpoints and against their copies outside the database. Reads only; writers go
 * on meanwhile.
 */
export async function verifyLedger(o: VerifySettings): Promise<LedgerVerdict> {
  const verifiers = verifiersOf(o.vkeys);
  // First the copies, then the snapshot: a copy that is there already vouches for nothing that the snapshot cannot show.
  const outside = await new CheckpointFolder(o.dataFolder).notes();
  return PostgresLedger.read(o.dataSource, (source) => checkLedger({ source, outside, verifiers }));
}

export function verifiersOf(vkeys: readonly string[]): Verifier[] {
  return vkeys.map((vkey) => {
    const parsed = parseVkey(vkey);
    if (!parsed.ok) throw new Error(`${JSON.stringify(vkey)} is no verifier key: ${parsed.error}`);
    return parsed.value;
  });
}

/** The command: says what was found, for people or as one JSON object. @returns its exit status, 0 for a sound ledger */
export async function ledgerVerifyCommand(
  o: VerifySettings & { json: boolean; write: (text: string) => void },
): Promise<0 | 1> {
  const verdict = await verifyLedger(o);
  o.write(o.json ? `${JSON.stringify(verdict)}\n` : describeVerdict(verdict));
  return verdict.sound ? 0 : 1;
}
