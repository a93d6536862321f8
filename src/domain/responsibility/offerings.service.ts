import { Injectable } from '@nestjs/common';
import { Refused, refusal, type FieldProblem, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { wrongIn } from '../agreements/draft.rules.ts';
import { listCalendars, versionContent } from '../agreements/drafts.queries.ts';
import { personBehind } from '../access/person-behind.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import type { Author } from './attestation.rules.ts';
import { refusalsOf } from './attestations.service.ts';
import type { LeftOut } from './inherit.rules.ts';
import { cellsOfVersion, newestVersion, partiesIn } from './matrix-facts.queries.ts';
import { MatrixTemplates } from './matrix-templates.ts';
import {
  missingDuties,
  offeringHash,
  problemsOfRows,
  rowsOfMatrix,
  rowsOfTemplate,
  sheetContent,
  sheetOf,
} from './offering.rules.ts';
import type { CreateOffering, EditOffering, OfferingBody, OfferingRow } from './offering.schema.ts';

export interface CreatedOffering {
  id: Id;
  rowVersion: number;
  leftOut: LeftOut[];
}

export interface PublishedOffering {
  versionId: Id;
  number: number;
  contentHash: string;
}

interface Stored {
  partyId: Id;
  name: string;
  body: OfferingBody;
  editors: Author[];
  rowVersion: number;
  chaseEveryHours: number;
  chaseByItself: boolean;
  reattestDays: number;
}

/** What a supplier that runs the installation offers to many: drafted here, and published in versions that never change. */
@Injectable()
export class OfferingsService {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly templates: MatrixTemplates,
  ) {}

  create(input: CreateOffering, by: Principal): Promise<Result<CreatedOffering, Refusal>> {
    return refusalsOf(() =>
      this.transactions.run(by, async (db) => {
        const [operator] = await db.query<{ id: Id }[]>(
          'SELECT id FROM party WHERE is_operator AND retired_at IS NULL LIMIT 1',
        );
        if (!operator)
          throw new Refused(
            refusal('conflict', 'no-operator', 'No party is marked as the operator of this installation.'),
          );
        const { body, leftOut } = await this.#begin(db, input);
        const [id, at] = [newId(), this.clock.now()];
        await db.query(
          `INSERT INTO offering (id, party_id, name, body, editors, chase_every_hours, chase_by_itself, reattest_days, created_at, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $9)`,
          [
            id,
            operator.id,
            input.name,
            JSON.stringify(body),
            JSON.stringify([await authorOf(db, by, operator.id)]),
            input.chaseEveryHours,
            input.chaseByItself,
            input.reattestDays,
            iso(at),
          ],
        );
        await this.ledger.append(db, {
          kind: 'offering.created',
          subject: { kind: 'offering', id },
          by,
          at,
          facts: { rows: body.rows.length, terms: body.terms?.terms.length ?? 0 },
          committed: { name: input.name },
        });
        return { id, rowVersion: 1, leftOut };
      }),
    );
  }

  /** Changes the draft, and what of the offering needs no version. What lies before customers already stays as it is. */
  edit(
    id: Id,
    edit: EditOffering,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<{ rowVersion: number }, Refusal>> {
    return refusalsOf(() =>
      this.transactions.run(by, async (db) => {
        const stored = await lockOffering(db, id);
        if (stored.rowVersion !== rowVersion) throw new Refused(stale(stored, edit));
        const body: OfferingBody = {
          rows: edit.rows ?? stored.body.rows,
          terms: edit.terms === undefined ? stored.body.terms : edit.terms,
        };
        refuse(await problemsOf(db, body));
        const at = this.clock.now();
        const author = await authorOf(db, by, stored.partyId);
        const editors = stored.editors.some((one) => one.id === author.id)
          ? stored.editors
          : [...stored.editors, author];
        await db.query(
          `UPDATE offering SET name = $2, body = $3, editors = $4, chase_every_hours = $5, reattest_days = $6, updated_at = $7,
                  chase_by_itself = $8, row_version = row_version + 1 WHERE id = $1`,
          [
            id,
            edit.name ?? stored.name,
            JSON.stringify(body),
            JSON.stringify(editors),
            edit.chaseEveryHours ?? stored.chaseEveryHours,
            edit.reattestDays ?? stored.reattestDays,
            iso(at),
            edit.chaseByItself ?? stored.chaseByItself,
          ],
        );
        await this.ledger.append(db, {
          kind: 'offering.changed',
          subject: { kind: 'offering', id },
          by,
          at,
          facts: { changed: Object.keys(edit).sort().join(' '), rowVersion: rowVersion + 1 },
          ...(edit.name === undefined ? {} : { committed: { name: edit.name } }),
        });
        return { rowVersion: rowVersion + 1 };
      }),
    );
  }

  /** Freezes the draft as the version that customers are offered from now on. */
  publish(id: Id, rowVersion: number, by: Principal): Promise<Result<PublishedOffering, Refusal>> {
    return refusalsOf(() =>
      this.transactions.run(by, async (db) => {
        const stored = await lockOffering(db, id);
        if (stored.rowVersion !== rowVersion) throw new Refused(stale(stored, {}));
        refuse([...missingDuties(stored.body.rows), ...(await problemsOf(db, stored.body))]);
        const hash = offeringHash(stored.body);
        const [latest] = await db.query<{ number: number; hash: Buffer }[]>(
          'SELECT number, content_hash AS hash FROM offering_version WHERE offering_id = $1 ORDER BY number DESC LIMIT 1',
          [id],
        );
        if (latest?.hash.equals(hash))
          throw new Refused(
            refusal('conflict', 'nothing-changed', `The draft says the same as version ${latest.number}.`),
          );
        const [versionId, at, number] = [newId(), this.clock.now(), (latest?.number ?? 0) + 1];
        await db.query(
          `INSERT INTO offering_version (id, offering_id, number, body, content_hash, editors, published_by, published_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
          [
            versionId,
            id,
            number,
            JSON.stringify(stored.body),
            hash,
            JSON.stringify(stored.editors),
            by.id,
            iso(at),
          ],
        );
        // Whoever edits the next one begins a list of editors of their own; what they read is still the version that stands.
        await db.query(`UPDATE offering SET editors = '[]' WHERE id = $1`, [id]);
        await this.ledger.append(db, {
          kind: 'offering.published',
          subject: { kind: 'offering', id },
          by,
          at,
          facts: { version: versionId, number, contentHash: hash.toString('hex') },
        });
        return { versionId, number, contentHash: hash.toString('hex') };
      }),
    );
  }

  async #begin(db: Db, input: CreateOffering): Promise<{ body: OfferingBody; leftOut: LeftOut[] }> {
    if (input.template !== undefined) {
      const template = this.templates.get(input.template);
      if (!template)
        refuse([
          {
            field: '/template',
            problem: 'is no template',
            mend: `Name one of: ${this.templates
              .all()
              .map(({ matrix }) => matrix)
              .join(', ')}.`,
          },
        ]);
      return { body: { rows: rowsOfTemplate(template!), terms: null }, leftOut: [] };
    }
    if (input.fromIntegrationId === undefined) return { body: { rows: [], terms: null }, leftOut: [] };
    return beginFrom(db, input.fromIntegrationId);
  }
}

/** The newest matrix of an integration by role, and the latest terms of its agreement. */
async function beginFrom(db: Db, integrationId: Id): Promise<{ body: OfferingBody; leftOut: LeftOut[] }> {
  const [integration] = await db.query<{ agreementId: Id | null }[]>(
    'SELECT agreement_id AS "agreementId" FROM integration WHERE id = $1',
    [integrationId],
  );
  const version = integration && (await newestVersion(db, integrationId));
  if (!version) {
    refuse([
      {
        field: '/fromIntegrationId',
        problem: integration ? 'has no matrix' : 'is no integration',
        mend: 'Name an integration with a matrix.',
      },
    ]);
    return { body: { rows: [], terms: null }, leftOut: [] };
  }
  const agreed =
    integration.agreementId === null ? undefined : await versionContent(db, integration.agreementId);
  const cells = await cellsOfVersion(db, version.id);
  const named = [
    ...cells.map(({ contactId }) => contactId),
    ...(agreed?.content.terms ?? []).flatMap((term) => [...term.recipients, ...term.fallbackRecipients]),
  ];
  const contacts = new Map(
    (
      await db.query<{ id: Id; role: OfferingRow['contact'] }[]>(
        'SELECT id, role FROM contact WHERE id = ANY($1::uuid[])',
        [named.filter((id) => id !== null)],
      )
    ).map(({ id, role }) => [id, role]),
  );
  const { rows, leftOut } = rowsOfMatrix(cells, await partiesIn(db, integrationId), contacts);
  const terms = agreed ? sheetOf(agreed.content, (id) => contacts.get(id)) : null;
  return { body: { rows, terms }, leftOut };
}

/** The offering, with nobody else writing it. @throws Refused where there is none, or it is retired */
export async function lockOffering(
  db: Db,
  id: Id,
  { evenRetired = false }: { evenRetired?: boolean } = {},
): Promise<Stored> {
  const [row] = await db.query<(Stored & { retired: boolean })[]>(
    `SELECT party_id AS "partyId", name, body, editors, row_version AS "rowVersion", chase_every_hours AS "chaseEveryHours",
            chase_by_itself AS "chaseByItself", reattest_days AS "reattestDays", retired_at IS NOT NULL AS retired
       FROM offering WHERE id = $1 FOR UPDATE`,
    [id],
  );
  if (!row) throw new Refused(noOffering());
  if (row.retired && !evenRetired) throw new Refused(offeringRetired());
  return row;
}

/** Whoever writes an offering writes it for the supplier. */
export async function authorOf(db: Db, by: Principal, partyId: Id): Promise<Author> {
  return { id: by.id, personId: by.personId ?? (await personBehind(db, by.id)), partyId };
}

async function problemsOf(db: Db, { rows, terms }: OfferingBody): Promise<FieldProblem[]> {
  const problems = problemsOfRows(rows);
  if (!terms) return problems;
  const calendars = (await listCalendars(db)).map(({ key }) => key);
  // Whom it names depends on the customer, so that is judged there.
  const content = sheetContent(terms);
  const unnamed = content.terms.map((term) => ({ ...term, recipients: [], fallbackRecipients: [] }));
  const wrong = wrongIn({ ...content, terms: unnamed }, { partyName: '', contacts: new Map(), calendars });
  const silent = terms.terms.flatMap((term, at) =>
    term.recipients.length > 0
      ? []
      : [
          {
            field: `/terms/terms/${at}/recipients`,
            problem: 'names nobody',
            mend: 'Say by role who is told: security, contract or on_call.',
          },
        ],
  );
  return [...problems, ...wrong.map((one) => ({ ...one, field: `/terms${one.field}` })), ...silent];
}

function refuse(fields: FieldProblem[]): void {
  if (fields.length > 0)
    throw new Refused(
      refusal('invalid', 'invalid-offering', 'The offering is not as it must be.', { fields }),
    );
}

function stale(stored: Stored, edit: EditOffering): Refusal {
  const now: Readonly<Record<string, unknown>> = { ...stored, ...stored.body };
  const fields = Object.entries(edit)
    .filter(([name, value]) => JSON.stringify(now[name]) !== JSON.stringify(value))
    .map(([name]) => ({
      field: `/${name}`,
      problem: 'is another by now',
      mend: 'Read the offering again and decide anew.',
    }));
  return refusal(
    'precondition',
    'stale-version',
    'The offering was changed since you read it. Read it again and decide anew.',
    fields.length > 0 ? { fields } : {},
  );
}

export function offeringRetired(): Refusal {
  return refusal(
    'conflict',
    'offering-retired',
    'The offering is retired: it is offered to nobody any more. Begin another one.',
  );
}

export function noOffering(): Refusal {
  return refusal('not_found', 'no-offering', 'There is no such offering.');
}
