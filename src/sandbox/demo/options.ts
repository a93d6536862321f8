import { parseArgs } from 'node:util';

export interface Options {
  /** Leave, and stop the world and the application, once everything is done or waits for what nobody will answer. */
  exit: boolean;
  /** Plain lines, and one JSON object as the last. */
  json: boolean;
  /** Where the application listens; null: 4100, or any free port when that is taken. */
  port: number | null;
}

export const DEFAULT_PORT = 4100;

export const USAGE = `usage: npm run demo -- [--exit] [--json] [--port N]

Starts Countersign on a database of its own and an outside world to talk to: suppliers, a code host, a mail server and
people. Imports a portfolio, leaks real credentials of it, and shows what happens. Started again, it goes on where it was,
or begins the next incident. Everything is in the folder demo of the data folder (COUNTERSIGN_DATA, by default ./data).

  --exit     leave and stop everything when nothing moves any more; status 0 only if all is as promised
  --json     plain lines, and one JSON object as the last
  --port N   where the console listens; 0: any free port (by default ${DEFAULT_PORT}, or any free port when that is taken)`;

/** What was given wrongly, and how to mend it. */
export class Misused extends Error {}

/** @throws Misused */
export function parseOptions(args: readonly string[]): Options | 'help' {
  let values: { exit?: boolean; json?: boolean; port?: string; help?: boolean };
  try {
    ({ values } = parseArgs({
      args: [...args],
      options: {
        exit: { type: 'boolean' },
        json: { type: 'boolean' },
        port: { type: 'string' },
        help: { type: 'boolean', short: 'h' },
      },
    }));
  } catch (error) {
    throw new Misused(`${(error as Error).message.split('. ')[0]}\n\n${USAGE}`);
  }
  if (values.help) return 'help';
  const port = values.port === undefined ? null : /^\d{1,5}$/.test(values.port) ? Number(values.port) : -1;
  if (port !== null && (port < 0 || port > 65_535)) {
    throw new Misused(
      `--port: ${values.port} is no port. Give a whole number from 0 to 65535; 0 takes any free one.`,
    );
  }
  return { exit: values.exit ?? false, json: values.json ?? false, port };
}
