import { KeyRotation, type KeyUse, type Rotated } from '../plugins/stores/sealed/key-rotation.ts';
import { print, withApp, type AddCommand } from './command.ts';

const ABOUT = `
Every sealed secret has a data key of its own, wrapped by the current key-encryption key: the file
<data>/keys/kek-<n>.key with the highest number, or COUNTERSIGN_KEK where that is set.

  rotate   makes kek-<n+1>.key and wraps every data key anew, in batches. The secrets themselves are not touched
           and no key is ever shown. Servers may go on running: they read under both keys, and seal under the new
           one as soon as its file is there. All processes must see the same <data>/keys; where they do not share
           it, stop them, run this on one, and copy the new file to the others before you start them again.
           Killed, it goes on where it stopped when you run it again.
  rewrap   only moves what older keys still wrap. With COUNTERSIGN_KEK: put the old value into
           <data>/keys/kek-1.key (mode 600), set the variable to the new one (openssl rand -base64 32), start
           every process again, and run this.
  list     shows which key wraps how many secrets.

An older key stays where it is until nothing uses it; then the command says so. Take its file away, and keep it
with the backups that were made until then: they hold secrets that only it opens.`;

export const addKeys: AddCommand = (program) => {
  const keys = program
    .command('keys')
    .description('key-encryption keys of the sealed secrets: list, rotate, rewrap')
    .addHelpText('after', ABOUT);
  keys
    .command('list')
    .description('show which key-encryption key wraps how many secrets; never a key')
    .option('--json', 'print one JSON object', false)
    .action(async ({ json }: { json: boolean }) => {
      await withApp(async (app, by) => {
        const uses = await app.get(KeyRotation).uses(by);
        if (json) print(JSON.stringify({ keys: uses }));
        else for (const use of uses) print(lineOf(use));
      });
    });
  for (const [name, description] of [
    [
      'rotate',
      'make a new key-encryption key current, and move every secret to it; goes on where it was killed',
    ],
    ['rewrap', 'move what older key-encryption keys still wrap to the current one, and make none'],
  ] as const) {
    keys
      .command(name)
      .description(description)
      .option('--json', 'print one JSON object', false)
      .addHelpText('after', ABOUT)
      .action(async ({ json }: { json: boolean }) => {
        await withApp(async (app, by) => {
          const onBatch = (moved: number) => {
            if (!json) print(`${moved} secrets moved`);
          };
          const rotated = await app.get(KeyRotation)[name](by, { onBatch });
          if (json) print(JSON.stringify(rotated));
          else tell(rotated, name);
          if (rotated.unreadable.length > 0) process.exitCode = 1;
        });
      });
  }
};

function tell({ id, made, moved, unreadable, keys }: Rotated, asked: 'rotate' | 'rewrap'): void {
  if (made) print(`A new key ${id} is current.`);
  else if (asked === 'rotate')
    print(`An earlier rotation, to the key ${id}, was brought to its end. Run it again for a new key.`);
  print(`${moved} secrets were moved to the current key.`);
  for (const use of keys) print(lineOf(use));
  for (const one of unreadable)
    print(
      `The sealed secret ${one} does not open, and stays as it is. Restore it from a backup, or set it anew.`,
    );
}

function lineOf({ id, where, current, values }: KeyUse): string {
  if (where === null)
    return `${id}  not at hand, and ${values} secrets need it: put its file back into <data>/keys`;
  if (current) return `${id}  ${where}  current, ${values} secrets`;
  if (values > 0) return `${id}  ${where}  ${values} secrets: keep it here`;
  return `${id}  ${where}  nothing uses it any more: take it away, and keep it with the backups made until now`;
}
