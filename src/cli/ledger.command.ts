import { DataSource } from 'typeorm';
import { ledgerExportCommand } from '../domain/ledger/export-ledger.ts';
import { ledgerVerifyCommand } from '../domain/ledger/verify-ledger.ts';
import type { Config } from '../platform/config/config.ts';
import { CONFIG } from '../platform/config/token.ts';
import { Keys } from '../platform/signing/keys.ts';
import { withApp, type AddCommand } from './command.ts';

export const addLedger: AddCommand = (program) => {
  const ledger = program.command('ledger').description('the record of what was done');
  const write = (text: string) => void process.stdout.write(text);
  ledger
    .command('verify')
    .description('check every entry, place, checkpoint and outside copy; status 1 names the first bad entry')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { json: boolean }) => {
      process.exitCode = await withApp((app) =>
        ledgerVerifyCommand({
          dataSource: app.get(DataSource),
          dataFolder: app.get<Config>(CONFIG).dataFolder,
          vkeys: [app.get(Keys).signer().vkey],
          json,
          write,
        }),
      );
    });
  ledger
    .command('export')
    .description('write the ledger to a file that the auditor checks without this server')
    .argument('<file>', 'must not exist yet')
    .option('--without-details', 'leave out the texts that can be erased', false)
    .option('--json', 'print one JSON object', false)
    .action(async (file: string, o: { withoutDetails: boolean; json: boolean }) => {
      process.exitCode = await withApp((app) => {
        const { origin, vkey } = app.get(Keys).signer();
        return ledgerExportCommand({ dataSource: app.get(DataSource), origin, vkey, file, ...o, write });
      });
    });
};
