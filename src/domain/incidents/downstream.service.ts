import { Injectable } from '@nestjs/common';
import { refusal, Refused, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { handOf, system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { isWanted, type WantedVersion } from '../../kernel/row-version.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { downstreamItems, reachOf, versionsThatReach, type ReachRow } from './downstream.queries.ts';
import {
  DOWNSTREAM_BASES,
  kindsReached,
  timeFor,
  whyReached,
  type DownstreamKind,
} from './downstream.rules.ts';
import type { AssignDownstream, DownstreamItemView, SettleDownstream } from './downstream.schema.ts';

/** How many exposed versions are looked at in one transaction. */
const PORTION = 500;

interface Portion {
  added: number;
  /** null: no more versions. */
  last: Id | null;
}

/** What an exposed credential reached: a list of work, each item with an owner and an end. */
@Injectable()
export class DownstreamService {
  constructor(
    private readonly transactions: Transactions,
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
  ) {}

  /** Lists what the confirmed versions of an incident reach. What is listed already stays as it is. */
  async list(incidentId: Id, by: Principal): Promise<number> {
    let after: Id | null = null;
    let added = 0;
    for (;;) {
      const from: Id | null = after;
      const portion: Portion = await this.transactions.run(by, (db) =>
        this.#listPortion(db, incidentId, from, by),
      );
      added += portion.added;
      if (portion.last === null) return added;
      after = portion.last;
    }
  }

  async #listPortion(db: Db, incidentId: Id, after: Id | null, by: Principal): Promise<Portion> {
    // Before the lock: while thousands join an incident it is asked again and again, and mostly nothing is reached.
    const versionIds = await versionsThatReach(db, incidentId, after, PORTION);
    if (versionIds.length === 0) return { added: 0, last: null };
    const [incident] = await rowsOf<{ open: boolean }>(
      db,
      `SELECT state NOT IN ('closed', 'dismissed') AS open FROM incident WHERE id = $1 FOR NO KEY UPDATE`,
      [incidentId],
    );
    if (!incident?.open) return { added: 0, last: null };
    const reach = await reachOf(db, incidentId, versionIds);
    const items = itemsOf(reach);
    const now = this.clock.now();
    const rows = await rowsOf<{ id: Id }>(
      db,
      `INSERT INTO downstream_item (id, incident_id, case_id, credential_id, version_id, system_id, system_name, kind, basis, why, party_id,
                                    owner_contact_id, due_at, created_at, updated_at)
       SELECT r.id, $1, r.case_id, r.credential_id, r.version_id, r.system_id, r.system_name, r.kind, r.basis, r.why, r.party_id, r.contact_id,
              $2::timestamptz + r.ms * interval '1 millisecond', $2, $2
         FROM jsonb_to_recordset($3::jsonb) AS r(id uuid, case_id uuid, credential_id uuid, version_id uuid, system_id uuid, system_name text,
                                                kind text, basis text, why text, party_id uuid, contact_id uuid, ms bigint)
       ON CONFLICT (incident_id, version_id, system_id, kind) DO NOTHING RETURNING id`,
      [incidentId, new Date(now), JSON.stringify(items)],
    );
    if (rows.length > 0) {
      await db.query(`UPDATE incident SET updated_at = $2, row_version = row_version + 1 WHERE id = $1`, [
        incidentId,
        new Date(now),
      ]);
      await this.ledger.append(db, {
        kind: 'incident.downstream-listed',
        subject: { kind: 'incident', id: incidentId },
        by,
        at: now,
        facts: { items: rows.length },
      });
    }
    return { added: rows.length, last: versionIds.length === PORTION ? versionIds.at(-1)! : null };
  }

  /**
   * Somebody of the owner, or of the operator, says with a note that it is done, or why it will not be. What was said
   * stands until somebody opens it again with a reason.
   */
  async settle(id: Id, input: SettleDownstream, by: Principal): Promise<Result<DownstreamItemView, Refusal>> {
    return this.#change(id, by, async (db, item, inside) => {
      if (item.state !== 'open')
        throw new Refused(
          refusal('conflict', 'settled', 'It is settled already. Open it again first, and say why.'),
        );
      const now = this.clock.now();
      await db.query(
        `UPDATE downstream_item SET state = $2, note = $3, settled_by = $4, settled_at = $5, updated_at = $5, row_version = row_version + 1
          WHERE id = $1`,
        [id, input.state, input.note, handOf(by), new Date(now)],
      );
      await this.ledger.append(db, {
        kind: `downstream.${input.state === 'done' ? 'done' : 'not-doing'}`,
        subject: { kind: 'downstream_item', id },
        by,
        at: now,
        facts: {
          incidentId: inside.incidentId,
          caseId: item.caseId,
          work: item.kind,
          partyId: item.owner.id,
          before: item.state,
        },
        committed: { note: input.note },
      });
    });
  }

  /** Opens what was settled again, for as long as the incident is open; who settled it and how stays in the ledger. */
  async reopen(id: Id, reason: string, by: Principal): Promise<Result<DownstreamItemView, Refusal>> {
    return this.#change(id, by, async (db, item, inside) => {
      if (item.state === 'open')
        throw new Refused(refusal('conflict', 'not-settled', 'It is open: nobody has settled it yet.'));
      const [incident] = await rowsOf<{ open: boolean }>(
        db,
        `SELECT state NOT IN ('closed', 'dismissed') AS open FROM incident WHERE id = $1 FOR NO KEY UPDATE`,
        [inside.incidentId],
      );
      if (!incident?.open)
        throw new Refused(
          refusal('conflict', 'incident-over', 'Its incident is closed; nothing of it is opened again.'),
        );
      const now = this.clock.now();
      await db.query(
        `UPDATE downstream_item SET state = 'open', note = $2, settled_by = NULL, settled_at = NULL, updated_at = $3,
                row_version = row_version + 1 WHERE id = $1`,
        [id, reason, new Date(now)],
      );
      await this.ledger.append(db, {
        kind: 'downstream.reopened',
        subject: { kind: 'downstream_item', id },
        by,
        at: now,
        facts: {
          incidentId: inside.incidentId,
          caseId: item.caseId,
          work: item.kind,
          partyId: item.owner.id,
          before: item.state,
        },
        committed: { reason },
      });
    });
  }

  /** Hands it to another party or contact, or sets another end. */
  async assign(
    id: Id,
    input: AssignDownstream,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<DownstreamItemView, Refusal>> {
    return this.#change(id, by, async (db, item, inside) => {
      if (!isWanted(item.rowVersion, rowVersion))
        throw new Refused(
          refusal('precondition', 'stale-version', 'It was changed since you read it. Read it again.'),
        );
      if (item.state !== 'open')
        throw new Refused(refusal('conflict', 'settled', 'It is settled; nobody has to look any more.'));
      const partyId = input.partyId ?? item.owner.id;
      // Whoever was to look for the one party is nobody to the other.
      const contactId =
        input.contactId !== undefined
          ? input.contactId
          : partyId === item.owner.id
            ? (item.contact?.id ?? null)
            : null;
      const [known] = await rowsOf<{ party: boolean; contact: boolean }>(
        db,
        `SELECT EXISTS (SELECT FROM party WHERE id = $1) AS party,
                $2::uuid IS NULL OR EXISTS (SELECT FROM contact WHERE id = $2 AND party_id = $1) AS contact`,
        [partyId, contactId],
      );
      if (!known?.party) throw new Refused(bad('/partyId', 'is no party', 'Give the id of a party.'));
      if (!known.contact)
        throw new Refused(
          bad('/contactId', 'is no contact of the party', 'Give one of its contacts, or none.'),
        );
      const now = this.clock.now();
      await db.query(
        `UPDATE downstream_item SET party_id = $2, owner_contact_id = $3, due_at = $4, updated_at = $5, row_version = row_version + 1
          WHERE id = $1`,
        [id, partyId, contactId, input.dueAt ?? item.dueAt, new Date(now)],
      );
      await this.ledger.append(db, {
        kind: 'downstream.assigned',
        subject: { kind: 'downstream_item', id },
        by,
        at: now,
        facts: {
          incidentId: inside.incidentId,
          work: item.kind,
          partyId,
          before: item.owner.id,
          contactId,
          dueAt: input.dueAt ?? item.dueAt,
        },
      });
    });
  }

  async #change(
    id: Id,
    by: Principal,
    work: (db: Db, item: DownstreamItemView, inside: { incidentId: Id }) => Promise<void>,
  ): Promise<Result<DownstreamItemView, Refusal>> {
    const gone = refusal('not_found', 'no-item', 'There is no such item, or it is not yours to see.');
    // Who settles must be able to see it; the incident behind it is the operator's.
    const visible = await this.transactions.run(by, (db) =>
      downstreamItems(db, { id, limit: 1 }, this.clock.now()),
    );
    if (visible.length === 0) return err(gone);
    try {
      const item = await this.transactions.run(system('incidents', by.correlationId), async (db) => {
        const [row] = await rowsOf<{ incident_id: Id }>(
          db,
          `SELECT incident_id FROM downstream_item WHERE id = $1 FOR UPDATE`,
          [id],
        );
        const [locked] = await downstreamItems(db, { id, limit: 1 }, this.clock.now());
        if (!row || !locked || (by.partyId !== null && locked.owner.id !== by.partyId))
          throw new Refused(gone);
        await work(db, locked, { incidentId: row.incident_id });
        await db.query(`UPDATE incident SET row_version = row_version + 1 WHERE id = $1`, [row.incident_id]);
        return (await downstreamItems(db, { id, limit: 1 }, this.clock.now()))[0]!;
      });
      const [shown] = await this.transactions.run(by, (db) =>
        downstreamItems(db, { id, limit: 1 }, this.clock.now()),
      );
      return ok(shown ?? item);
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
  }
}

type NewItem = Omit<ReachRow, 'system_kind' | 'scope'> & {
  id: Id;
  kind: DownstreamKind;
  why: string;
  ms: number;
};

/** One item for each version, system and kind. What was seen says more than what is allowed. */
export function itemsOf(reach: readonly ReachRow[]): NewItem[] {
  const items = new Map<string, NewItem>();
  const surest = reach.toSorted(
    (a, b) => DOWNSTREAM_BASES.indexOf(a.basis) - DOWNSTREAM_BASES.indexOf(b.basis),
  );
  for (const { system_kind: systemKind, scope, ...row } of surest) {
    const edge = { systemKind, basis: row.basis, scope };
    for (const kind of kindsReached(edge)) {
      const key = `${row.version_id} ${row.system_id} ${kind}`;
      if (items.has(key)) continue;
      items.set(key, {
        ...row,
        id: newId(),
        kind,
        why: whyReached(edge).slice(0, 1000),
        ms: timeFor(row.basis),
      });
    }
  }
  return [...items.values()];
}

function bad(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-assignment', 'It cannot be handed over like that.', {
    fields: [{ field, problem, mend }],
  });
}
