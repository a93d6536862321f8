import { Refused } from '../kernel/errors.ts';
import { ELAPSED_DAY, iso } from '../kernel/time.ts';
import { createTokenSchema } from '../domain/access/access.schema.ts';
import { AccessService } from '../domain/access/access.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { accepted, print, withApp, type AddCommand } from './command.ts';
import { badOptions, inOptions } from './user-add.command.ts';

interface Options {
  role?: string;
  permission?: string[];
  party?: string;
  user?: string;
  name: string;
  expires?: string;
  json?: boolean;
}

export const addTokenCreate: AddCommand = (program) => {
  const token = program.command('token').description('API tokens');
  token
    .command('create')
    .description('make an API token and print it once')
    .option('--role <role>', 'what it may do, by role')
    .option('--permission <permission...>', 'what it may do, one by one')
    .option(
      '--party <id>',
      'the party that it belongs to; only for the role party_contact or its permissions',
    )
    .option('--user <id>', 'the account whose person acts with it')
    .option('--name <name>', 'what it is for', 'command line')
    .option('--expires <instant>', 'RFC 3339, or days as "90d"; by default 90 days from now')
    .option('--json', 'one JSON object: id, value, expiresAt')
    .action(async (options: Options) => {
      await withApp(async (app, by) => {
        const now = app.get(Clock).now();
        const days = /^(\d{1,4})d$/.exec(options.expires ?? '90d')?.[1];
        const input = createTokenSchema.safeParse({
          name: options.name,
          role: options.role,
          permissions: options.permission,
          partyId: options.party ?? null,
          userId: options.user,
          expiresAt: days === undefined ? options.expires : iso(now + Number(days) * ELAPSED_DAY),
        });
        if (!input.success) throw new Refused(badOptions(input.error));
        const expiresAt = Date.parse(input.data.expiresAt ?? '');
        const made = accepted(
          inOptions(await app.get(AccessService).createToken({ ...input.data, expiresAt }, by)),
        );
        const value = made.value.use((text) => text);
        print(options.json ? JSON.stringify({ id: made.id, value, expiresAt: iso(made.expiresAt) }) : value);
      });
    });
};
