import { StoreMove, type Moved, type StoreShare } from '../plugins/stores/moving/store-move.ts';
import { print, withApp, type AddCommand } from './command.ts';

const ABOUT = `
COUNTERSIGN_STORE says where new secrets go: sealed (this database), vault-kv2 or aws-secrets-manager. What was kept before
stays where it is and is read from there, as long as that store stays set up.

  status   shows how many secrets each store keeps.
  move     brings what other stores keep to the chosen one, each secret by itself, and destroys it where it was. No value
           is shown. Servers may go on running, with the same configuration. Killed, it goes on where it stopped when you
           run it again; what cannot be read stays where it is, and is named with the reason.

When status shows nothing in the old store any more, its variables may be unset. What the environment holds is yours to move.`;

export const addStore: AddCommand = (program) => {
  const store = program
    .command('store')
    .description('where secrets are kept: status, move')
    .addHelpText('after', ABOUT);
  store
    .command('status')
    .description('show how many secrets each store keeps; never a value')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { json: boolean }) => {
      await withApp(async (app, by) => {
        const stores = await app.get(StoreMove).status(by);
        if (json) print(JSON.stringify({ stores }));
        else for (const one of stores) print(lineOf(one));
      });
    });
  store
    .command('move')
    .description('bring what other stores keep to the chosen one; goes on where it was killed')
    .option('--json', 'print one JSON object', false)
    .addHelpText('after', ABOUT)
    .action(async ({ json }: { json: boolean }) => {
      await withApp(async (app, by) => {
        const onBatch = (moved: number) => {
          if (!json) print(`${moved} secrets moved`);
        };
        const moved = await app.get(StoreMove).move(by, { onBatch });
        if (json) print(JSON.stringify(moved));
        else tell(moved);
        if (moved.failed.length > 0) process.exitCode = 1;
      });
    });
};

function tell({ to, moved, tooLong, failed, onTheWay, stores }: Moved): void {
  print(`${moved} secrets were moved to ${to}.`);
  if (tooLong > 0) print(`${tooLong} are longer than ${to} takes, and stay sealed in the database.`);
  if (onTheWay > 0) print(`${onTheWay} are on their way: sealed in the database until ${to} has taken them.`);
  for (const { ref, why } of failed) print(`${ref} stays where it is: ${why}`);
  for (const one of stores) print(lineOf(one));
}

function lineOf({ store, chosen, setUp, readOnly, secrets }: StoreShare): string {
  const word = chosen
    ? '  new secrets go here'
    : !setUp
      ? '  not set up: what it keeps cannot be read'
      : readOnly
        ? '  the operator’s own'
        : '';
  return `${store}  ${secrets} secrets${word}`;
}
