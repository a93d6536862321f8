import { setTimeout as pause } from 'node:timers/promises';
import type { Client } from 'pg';
import { Refused, refusal } from '../../kernel/errors.ts';
import { SECOND, type Millis } from '../../kernel/time.ts';
import { APP, OWNER } from '../embedded/roles.ts';
import { withClient } from './client.ts';
import { rolesSql } from './roles.ts';

/** Postgres 15: `security_invoker` views, `NULLS NOT DISTINCT`, no CREATE for everybody on schema public. */
const OLDEST = 15;

/**
 * Returns when the database answers a real query. Waits while the server is unreachable, starting or full; says at once
 * what waiting cannot mend.
 *
 * @param o.variable the environment variable that holds `url`, for the message
 * @throws Refused naming the variable and the mend; never the password
 */
export async function waitForDatabase(
  url: string,
  o: { timeout?: Millis; variable?: string; signal?: AbortSignal } = {},
): Promise<void> {
  const until = Date.now() + (o.timeout ?? 30 * SECOND);
  for (let wait = 100; ; wait = Math.min(wait * 2, 2 * SECOND)) {
    const problem = await withClient(url, unfitness).catch((thrown: unknown) => problemOf(thrown, url));
    if (!problem) return;
    if (problem.lasting || Date.now() + wait > until) {
      const variable = o.variable ?? 'DATABASE_URL';
      const mend = problem.mend.replaceAll('$', () => variable);
      throw new Refused(
        refusal(
          'unavailable',
          problem.code,
          `The database of ${variable} cannot be used: ${problem.said}. ${mend}`,
          {
            fields: [{ field: variable, problem: problem.said, mend }],
          },
        ),
      );
    }
    await pause(wait, undefined, { signal: o.signal });
  }
}

interface Problem {
  code: string;
  said: string;
  /** `$` stands for the variable. */
  mend: string;
  /** Waiting does not help. */
  lasting: boolean;
}

async function unfitness(client: Client): Promise<Problem | null> {
  const { rows } = await client.query<{ version: number; reader: boolean }>(
    `SELECT current_setting('server_version_num')::int / 10000 AS version, pg_is_in_recovery() AS reader`,
  );
  const { version, reader } = rows[0]!;
  if (version < OLDEST) {
    return {
      code: 'database-too-old',
      said: `it is Postgres ${version}`,
      mend: `Set $ to a Postgres of version ${OLDEST} or newer.`,
      lasting: true,
    };
  }
  if (reader) {
    return {
      code: 'database-read-only',
      said: 'it is a standby that takes no writes',
      mend: 'Set $ to the primary, or add target_session_attrs to it.',
      lasting: false, // a fail-over promotes it
    };
  }
  return null;
}

/** What a failed connection means. Codes: PostgreSQL manual, appendix A. */
function problemOf(thrown: unknown, url: string): Problem {
  const { code = '', message = '' } = thrown as { code?: string; message?: string };
  const { hostname, port, pathname, username } = new URL(url);
  const where = `${hostname || 'localhost'}:${port || '5432'}`;
  const database = decodeURIComponent(pathname.slice(1)) || username;
  switch (code) {
    case '28P01': {
      // Postgres says the same for a role that does not exist.
      const absent = [OWNER, APP].some((role) => role === username)
        ? ` Where the server has no such role yet, an administrator runs:\n${rolesSql(database)}`
        : '';
      return lasting(
        'database-password',
        `the password of ${username} is wrong`,
        `Correct the password in $.${absent}`,
      );
    }
    case '28000':
      return lasting(
        'database-sign-in',
        `the server refuses ${username}: ${message}`,
        'Create the role, allow it in pg_hba.conf, or add ?sslmode=require to $ if only encrypted connections are allowed.',
      );
    case '3D000':
      return lasting(
        'database-missing',
        `the server at ${where} has no database ${database}`,
        `Create it (CREATE DATABASE "${database}" OWNER countersign_owner), or correct the name in $.`,
      );
    case '42501':
      return lasting(
        'database-forbidden',
        `${username} may not connect to ${database}`,
        `Run GRANT CONNECT ON DATABASE "${database}" TO ${username}, or correct the user in $.`,
      );
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return passing(
        'database-host',
        `the name ${hostname} is not known`,
        'Correct the host in $, or check the resolver.',
      );
    case '53300':
      return passing(
        'database-full',
        `the server at ${where} has no free connection`,
        'Raise its max_connections.',
      );
    case '57P03':
      return passing(
        'database-starting',
        `the server at ${where} is still starting`,
        'Start again when it is up.',
      );
    default:
      return passing(
        'database-unreachable',
        `nothing that speaks Postgres answers at ${where} (${code || message})`,
        'Start the server, or correct host and port in $.',
      );
  }
}

const lasting = (code: string, said: string, mend: string): Problem => ({ code, said, mend, lasting: true });
const passing = (code: string, said: string, mend: string): Problem => ({ code, said, mend, lasting: false });
