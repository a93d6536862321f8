import { serveUntilSignal } from '../serve.ts';
import type { AddCommand } from './command.ts';
import { configured } from './failure.ts';

export const addServe: AddCommand = (program) => {
  program
    .command('serve')
    .alias('start')
    .description('serve requests, work, or both, as COUNTERSIGN_ROLE says')
    .action(async () => {
      process.exitCode = await serveUntilSignal(configured());
    });
};
