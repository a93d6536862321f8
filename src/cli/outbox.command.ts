import { Refused, refusal } from '../kernel/errors.ts';
import { isId } from '../kernel/ids.ts';
import { Clock } from '../platform/clock/clock.ts';
import { OutboxRows } from '../platform/outbox/rows.ts';
import { print, withApp, type AddCommand } from './command.ts';

export const addOutbox: AddCommand = (program) => {
  const outbox = program.command('outbox').description('work that follows from what was committed');
  outbox
    .command('failed')
    .description('list the rows that were given up')
    .action(async () => {
      await withApp(async (app) => {
        for (const row of await app.get(OutboxRows).failed(1000)) {
          print(`${row.id} ${row.job} after ${row.attempts} tries: ${row.lastError}`);
        }
      });
    });
  outbox
    .command('retry')
    .description('make rows that were given up due again')
    .argument('[id]', 'one row; without it all of them')
    .action(async (id?: string) => {
      if (id !== undefined && !isId(id))
        throw new Refused(refusal('invalid', 'bad-id', `${String(id)} is no id.`));
      await withApp(async (app) => {
        print(
          `${await app.get(OutboxRows).retryFailed(app.get(Clock).now(), id ?? null)} rows are due again`,
        );
      });
    });
};
