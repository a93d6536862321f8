import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { DraftContent } from '../agreements/draft.schema.ts';
import type { FieldProblem } from '../../kernel/errors.ts';
import type { Author } from './attestation.rules.ts';
import { problemsOfCells, missingIn, withCells, type DraftCell } from './draft.rules.ts';
import { cellContext, cellsOfVersion, newestVersion, partiesIn } from './matrix-facts.queries.ts';
import { cellsOfOffering, termsOfOffering, type RoleContact } from './offering.rules.ts';
import type { OfferingBody } from './offering.schema.ts';

export interface OfferingVersionFacts {
  id: Id;
  offeringId: Id;
  number: number;
  body: OfferingBody;
  editors: Author[];
  /** Of the offering. */
  partyId: Id;
  name: string;
  reattestDays: number;
  chaseEveryHours: number;
}

const VERSION = `v.id, v.offering_id AS "offeringId", v.number, v.body, v.editors, o.party_id AS "partyId", o.name,
  o.reattest_days AS "reattestDays", o.chase_every_hours AS "chaseEveryHours"
  FROM offering_version v JOIN offering o ON o.id = v.offering_id`;

export async function offeringVersion(db: Db, id: Id): Promise<OfferingVersionFacts | undefined> {
  const [row] = await db.query<OfferingVersionFacts[]>(`SELECT ${VERSION} WHERE v.id = $1`, [id]);
  return row;
}

/** @param number absent: the newest */
export async function versionOfOffering(
  db: Db,
  offeringId: Id,
  number?: number,
): Promise<OfferingVersionFacts | undefined> {
  const [row] = await db.query<OfferingVersionFacts[]>(
    `SELECT ${VERSION} WHERE v.offering_id = $1 AND ($2::int IS NULL OR v.number = $2) ORDER BY v.number DESC LIMIT 1`,
    [offeringId, number ?? null],
  );
  return row;
}

/** An offering as one customer would get it. */
export interface Fitted {
  customerId: Id | null;
  customerName: string;
  cells: DraftCell[];
  terms: DraftContent | null;
  contactNames: ReadonlyMap<Id, string>;
  /** Why it does not fit; empty: it does. */
  problems: FieldProblem[];
}

/** Fits an offering to an integration. Rows for one credential alone stay as that customer has them. */
export async function fitted(
  db: Db,
  version: OfferingVersionFacts,
  integrationId: Id,
  now: Millis,
): Promise<Fitted> {
  const parties = await partiesIn(db, integrationId);
  const contacts = await db.query<(RoleContact & { name: string })[]>(
    `SELECT k.id, k.party_id AS "partyId", k.role, k.name FROM contact k
      WHERE k.active AND (coalesce(k.email, '') <> '' OR coalesce(k.phone, '') <> '')
        AND (k.party_id = $2 OR k.party_id IN (SELECT party_id FROM integration_party WHERE integration_id = $1))
      ORDER BY k.ordinal, k.name, k.id`,
    [integrationId, version.partyId],
  );
  const supplies = parties.some(({ id, roles }) => id === version.partyId && roles.includes('supplier'));
  const customers = parties.filter(({ id, roles }) => id !== version.partyId && roles.includes('customer'));
  const [customer] = customers;
  const problems: FieldProblem[] = [];
  if (!supplies)
    problems.push({
      field: '/integration/parties',
      problem: 'does not have the party that makes the offering as its supplier',
      mend: 'Name an integration that it supplies.',
    });
  if (customers.length !== 1)
    problems.push({
      field: '/integration/parties',
      problem: `has ${customers.length === 0 ? 'no customer' : `${customers.length} customers`}`,
      mend: 'Name exactly one customer there.',
    });
  const taken = cellsOfOffering(version.body.rows, parties, contacts);
  for (const { duty, part, why } of taken.leftOut)
    problems.push({
      field: `/rows/${duty}${part ? `/${part}` : ''}`,
      problem: why,
      mend: 'Enter the parties of the integration with their roles.',
    });
  const context = await cellContext(db, integrationId, now);
  problems.push(...problemsOfCells(taken.cells, context));
  const newest = await newestVersion(db, integrationId);
  const own = newest
    ? (await cellsOfVersion(db, newest.id)).filter((cell) => cell.credentialId !== null)
    : [];
  const cells = withCells(
    own,
    taken.cells.filter(({ accountable }) => accountable.length === 1),
    [],
  );
  problems.push(...missingIn(cells, context));
  const sheet = version.body.terms;
  const terms =
    sheet && customer
      ? termsOfOffering(sheet, { us: version.partyId, them: customer.id }, contacts)
      : { content: null, problems: [] };
  return {
    customerId: customer?.id ?? null,
    customerName: customer?.name ?? '',
    cells,
    terms: terms.content,
    contactNames: new Map(contacts.map(({ id, name }) => [id, name])),
    problems: [...problems, ...terms.problems],
  };
}

/** When the side was last mailed a link to sign this version. */
export async function lastAsked(db: Db, versionId: Id): Promise<Millis | null> {
  const [row] = await db.query<{ at: Date | null }[]>(
    `SELECT max(created_at) AS at FROM matrix_invitation WHERE matrix_version_id = $1 AND purpose = 'attest'`,
    [versionId],
  );
  return row?.at?.getTime() ?? null;
}

export async function partyName(db: Db, id: Id): Promise<string> {
  const [row] = await db.query<{ name: string }[]>('SELECT name FROM party WHERE id = $1', [id]);
  return row?.name ?? '';
}
