import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../kernel/errors.ts';
import { err, type Result } from '../kernel/result.ts';
import { Secret } from '../kernel/secret.ts';
import { createUserSchema } from '../domain/access/access.schema.ts';
import { AccessService } from '../domain/access/access.service.ts';
import { Passwords } from '../domain/access/passwords.ts';
import { accepted, print, withApp, type AddCommand } from './command.ts';

interface Options {
  email: string;
  name: string;
  role: string[];
  party?: string;
  generate?: boolean;
  json?: boolean;
}

export const addUserAdd: AddCommand = (program) => {
  const user =
    program.commands.find((command) => command.name() === 'user') ??
    program.command('user').description('accounts of people');
  user
    .command('add')
    .description('make an account; the password is read from standard input, or generated and printed once')
    .requiredOption('--email <address>', 'e-mail address, by which the person signs in')
    .requiredOption('--name <name>', 'name of the person')
    .requiredOption(
      '--role <role...>',
      'admin, vendor_risk, responder, contract_owner, integration_engineer, auditor or party_contact',
    )
    .option('--party <id>', 'the party that the account belongs to; only with the role party_contact')
    .option('--generate', 'generate the password even when standard input is no terminal')
    .option('--json', 'one JSON object: id, and the password where it was generated')
    .action(async (options: Options) => {
      const input = createUserSchema.safeParse({
        email: options.email,
        name: options.name,
        roles: options.role,
        partyId: options.party ?? null,
      });
      if (!input.success) throw new Refused(badOptions(input.error));
      const typed = process.stdin.isTTY || options.generate ? undefined : await firstLine();
      await withApp(async (app, by) => {
        const password = typed ?? app.get(Passwords).generate();
        const { userId } = accepted(
          inOptions(await app.get(AccessService).createUser({ ...input.data, password }, by)),
        );
        const generated = typed ? undefined : password.use((value) => value);
        if (options.json) {
          print(JSON.stringify({ id: userId, ...(generated === undefined ? {} : { password: generated }) }));
          return;
        }
        print(`user ${userId}`);
        if (generated !== undefined) print(`password ${generated}`);
      });
    });
};

/** Up to the end of the first line, without it. An empty one asks for a generated password. */
async function firstLine(): Promise<Secret | undefined> {
  let text = '';
  for await (const chunk of process.stdin.setEncoding('utf8') as AsyncIterable<string>) {
    text += chunk;
    if (text.includes('\n') || text.length > 1000) break;
  }
  const line = text.split(/\r?\n/, 1)[0] ?? '';
  return line === '' ? undefined : Secret.of(line);
}

/** The schema speaks of a request's body; on a command line its fields are options. */
export function badOptions(error: z.ZodError) {
  return refusal('invalid', 'bad-options', 'The options are not as they must be.', {
    fields: error.issues.map((issue) => {
      const name = String(issue.path[0] ?? '');
      return { field: optionOf(name), problem: issue.message, mend: MENDS[name] ?? 'See --help.' };
    }),
  });
}

/** A refusal of the domain about these options. */
export function inOptions<T>(result: Result<T, Refusal>): Result<T, Refusal> {
  if (result.ok || !result.error.fields) return result;
  const fields = result.error.fields.map((one) => ({
    ...one,
    field: optionOf(one.field.replace(/^\//, '')),
  }));
  return err({ ...result.error, fields });
}

const OPTIONS: Readonly<Record<string, string>> = {
  roles: '--role',
  permissions: '--permission',
  partyId: '--party',
  expiresAt: '--expires',
};

const MENDS: Readonly<Record<string, string>> = {
  expiresAt: 'Give an instant, like 2027-01-31T00:00:00Z, or a number of days from now, like 90d.',
  partyId: 'Give the id of a party: see /api/v1/parties.',
  role: 'Give either --role or --permission.',
};

function optionOf(name: string): string {
  return OPTIONS[name] ?? `--${name}`;
}
