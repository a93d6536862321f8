import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { Refused, type Refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import type { Result } from '../kernel/result.ts';
import { ELAPSED_DAY, iso } from '../kernel/time.ts';
import { tokenMadeForAnother } from '../domain/access/access.events.ts';
import { createTokenSchema } from '../domain/access/access.schema.ts';
import { AccessService, type NewToken, type NewTokenMade } from '../domain/access/access.service.ts';
import { LedgerService } from '../domain/ledger/ledger.service.ts';
import { AlertsService } from '../domain/notices/alerts.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { Outbox } from '../platform/outbox/outbox.ts';
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
    .option('--user <id>', 'the account whose person acts with it, and is told')
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
        const made = accepted(inOptions(await makeAtTheHost(app, { ...input.data, expiresAt }, by)));
        const value = made.value.use((text) => text);
        print(options.json ? JSON.stringify({ id: made.id, value, expiresAt: iso(made.expiresAt) }) : value);
      });
    });
};

/**
 * Whoever runs the host can act as anybody, and so may make what acts as a person or for a party: but never unseen. In the
 * same transaction an alert and an entry of the ledger say whose token was made, and whom it acts for is sent a mail.
 */
export async function makeAtTheHost(
  app: Pick<NestFastifyApplication, 'get'>,
  input: NewToken,
  by: Principal,
): Promise<Result<NewTokenMade, Refusal>> {
  const at = app.get(Clock).now();
  return app.get(Transactions).run(by, async (db) => {
    const made = await app.get(AccessService).makeToken(db, input, by);
    if (!made.ok || (input.userId === undefined && !input.partyId)) return made;
    await app.get(Outbox).put(db, tokenMadeForAnother, { tokenId: made.value.id });
    if (input.userId === undefined) return made;
    const subject = { kind: 'user', id: input.userId };
    await app.get(LedgerService).append(db, {
      kind: 'user.token-made-at-host',
      subject,
      by,
      at,
      facts: { token: made.value.id, expiresAt: iso(made.value.expiresAt) },
    });
    await app.get(AlertsService).raise(db, {
      kind: 'access.token-made-at-host',
      severity: 'warning',
      subject,
      message: `An API token that acts as the person of account ${input.userId} was made at the host's terminal. If they did not ask for it: revoke token ${made.value.id}.`,
      dedupeKey: `access.token-made-at-host:${made.value.id}`,
      at,
    });
    return made;
  });
}
