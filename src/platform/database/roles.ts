import { escapeIdentifier, type ClientBase } from 'pg';
import { Refused, refusal, type FieldProblem } from '../../kernel/errors.ts';
import { APP, OWNER } from '../embedded/roles.ts';
import { withClient } from './client.ts';

/**
 * What an operator of a Postgres of their own runs once, as its administrator, superuser or not. `database` is the name
 * from the URL; the passwords are theirs to choose.
 */
export function rolesSql(database: string): string {
  const name = escapeIdentifier(database);
  return [
    `CREATE ROLE ${OWNER} LOGIN NOCREATEDB NOCREATEROLE PASSWORD 'choose one';`,
    `CREATE ROLE ${APP} LOGIN NOCREATEDB NOCREATEROLE PASSWORD 'choose another';`,
    `REVOKE ALL ON DATABASE ${name} FROM PUBLIC;`,
    `GRANT CONNECT ON DATABASE ${name} TO ${APP};`,
    // Who is no superuser gives a database away only to a role that they are in.
    `GRANT ${OWNER} TO CURRENT_USER;`,
    `ALTER DATABASE ${name} OWNER TO ${OWNER};`,
    `REVOKE ${OWNER} FROM CURRENT_USER;`,
  ].join('\n');
}

/**
 * Before migrating: both roles exist, we are the owner, and we may create what the migrations create.
 *
 * @throws Refused with the SQL that mends it
 */
export async function assertOwnerRole(client: ClientBase): Promise<void> {
  const { rows } = await client.query<{
    present: string[];
    me: string;
    db: string;
    creates: boolean;
    super: boolean;
  }>(
    `SELECT (SELECT coalesce(array_agg(rolname::text), '{}') FROM pg_roles WHERE rolname IN ($1, $2)) AS present,
            current_user::text AS me, current_database()::text AS db,
            has_database_privilege(current_database(), 'CREATE')
              AND has_schema_privilege('public', 'CREATE') AS creates,
            (SELECT rolsuper OR rolbypassrls FROM pg_roles WHERE rolname = current_user) AS super`,
    [OWNER, APP],
  );
  const found = rows[0]!;
  const missing = [OWNER, APP].filter((role) => !found.present.includes(role));
  if (missing.length > 0) {
    throw unfit(
      'database-roles-missing',
      `the server has no role ${missing.join(' and no role ')}`,
      `As an administrator of that server run:\n${rolesSql(found.db)}`,
    );
  }
  if (found.me !== OWNER) {
    throw unfit(
      'database-not-owner',
      `migrations must run as ${OWNER}, not as ${found.me}: policies and ownership name that role`,
      `Set MIGRATE_DATABASE_URL to a URL of ${OWNER}.`,
    );
  }
  if (found.super) {
    throw unfit(
      'database-owner-too-strong',
      `${OWNER} is a superuser or passes row-level security`,
      `As an administrator run: ALTER ROLE ${OWNER} NOSUPERUSER NOBYPASSRLS;`,
    );
  }
  if (!found.creates) {
    throw unfit(
      'database-not-owned',
      `${OWNER} may not create in the database ${found.db}`,
      `As an administrator run:\nALTER DATABASE ${escapeIdentifier(found.db)} OWNER TO ${OWNER};\nALTER SCHEMA public OWNER TO pg_database_owner;`,
    );
  }
}

function unfit(code: string, problem: string, mend: string): Refused {
  return new Refused(
    refusal('unavailable', code, `The database cannot be migrated: ${problem}. ${mend}`, {
      fields: [{ field: 'MIGRATE_DATABASE_URL', problem, mend }],
    }),
  );
}

/**
 * What makes the role of `url` too strong to run as: row-level security and the append-only ledger would not hold it.
 * Empty: none.
 */
export async function runningRoleFaults(url: string): Promise<FieldProblem[]> {
  const found = await withClient(url, async (client) => {
    const { rows } = await client.query<{
      me: string;
      super: boolean;
      bypass: boolean;
      creator: boolean;
      above: string[];
      owns: number;
      creates: boolean;
    }>(
      `SELECT r.rolname::text AS me, r.rolsuper AS super, r.rolbypassrls AS bypass, r.rolcreaterole AS creator,
              -- a member may SET ROLE, so it is as strong as what it is a member of
              (SELECT coalesce(array_agg(g.rolname::text), '{}') FROM pg_roles g
                WHERE g.oid <> r.oid AND pg_has_role(r.oid, g.oid, 'MEMBER')
                  AND (g.rolsuper OR g.rolbypassrls OR g.rolname = $1)) AS above,
              (SELECT count(*)::int FROM pg_class c WHERE c.relowner = r.oid)
                + (SELECT count(*)::int FROM pg_namespace n WHERE n.nspowner = r.oid)
                + (SELECT count(*)::int FROM pg_proc p WHERE p.proowner = r.oid)
                + (SELECT count(*)::int FROM pg_database d WHERE d.datdba = r.oid AND d.datname = current_database()) AS owns,
              has_schema_privilege('public', 'CREATE') AS creates
         FROM pg_roles r WHERE r.rolname = current_user`,
      [OWNER],
    );
    return rows[0]!;
  });
  const faults: FieldProblem[] = [];
  const fault = (problem: string, mend: string) =>
    faults.push({
      field: 'DATABASE_URL',
      problem: `${found.me} ${problem}`,
      mend: `${mend} Or set DATABASE_URL to ${APP}.`,
    });
  if (found.super) fault('is a superuser', `Run: ALTER ROLE "${found.me}" NOSUPERUSER;`);
  if (found.bypass && !found.super)
    fault('passes row-level security', `Run: ALTER ROLE "${found.me}" NOBYPASSRLS;`);
  if (found.creator && !found.super) fault('may create roles', `Run: ALTER ROLE "${found.me}" NOCREATEROLE;`);
  if (!found.super) {
    if (found.above.length > 0) {
      fault(
        `is a member of ${found.above.join(', ')}`,
        `Run: REVOKE ${found.above.join(', ')} FROM "${found.me}";`,
      );
    }
    if (found.owns > 0)
      fault(
        `owns ${found.owns} objects of the database`,
        `Run: REASSIGN OWNED BY "${found.me}" TO ${OWNER};`,
      );
    if (found.creates)
      fault('may create in schema public', `Run: REVOKE CREATE ON SCHEMA public FROM PUBLIC, "${found.me}";`);
  }
  return faults;
}

/** @throws Refused where the role of `url` is stronger than the one that runs may be */
export async function assertRunningRole(url: string): Promise<void> {
  const faults = await runningRoleFaults(url);
  if (faults.length === 0) return;
  const said = faults.map((fault) => fault.problem).join('; ');
  throw new Refused(
    refusal(
      'unavailable',
      'database-role-too-strong',
      `The database role is too strong to run as: ${said}. ${faults[0]!.mend}`,
      {
        fields: faults,
      },
    ),
  );
}
