import { Injectable } from '@nestjs/common';
import { refusal, type FieldProblem, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { WantedVersion } from '../../kernel/row-version.ts';
import { iso, parseInstant, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { editRow, type EditableTable, type Edited } from '../parties/edits.ts';
import { SILENT_AGREEMENT } from './agreement.rules.ts';
import { versionPublished } from './agreements.events.ts';
import type { CreateAgreement, DraftContent, DraftView, EditAgreement, EditDraft } from './draft.schema.ts';
import { staleFields, whenHeld, wrongIn, type Known } from './draft.rules.ts';
import { findDraft, listCalendars, versionContent } from './drafts.queries.ts';
import { insertVersion, readyToWrite, type NewVersion } from './insert-version.ts';

const AGREEMENT: EditableTable = { table: 'agreement', word: 'agreement', columns: { title: 'title' } };

const SILENT: DraftContent = {
  validFrom: null,
  validUntil: SILENT_AGREEMENT.validUntil,
  reviewOn: SILENT_AGREEMENT.reviewOn,
  prevailingLanguage: SILENT_AGREEMENT.prevailingLanguage,
  authority: SILENT_AGREEMENT.authority,
  approveWithinMinutes: SILENT_AGREEMENT.approveWithinMinutes,
  approveOtherwise: SILENT_AGREEMENT.approveOtherwise,
  containmentSteps: [],
  drillEveryDays: null,
  terms: [],
};

interface Head {
  id: Id;
  partyId: Id;
  partyName: string;
}

export interface PublishedVersion {
  id: Id;
  number: number;
  validFrom: string;
  contentHash: string;
}

/** Terms that both sides signed with a matrix. */
export interface Adopted {
  agreementId: Id | null;
  partyId: Id;
  /** Of an agreement that is made for them. */
  title: string;
  content: DraftContent;
}

/** Writing down what was agreed: one draft at a time, then a version that nobody edits any more. */
@Injectable()
export class AgreementsService {
  constructor(
    private readonly ledger: LedgerService,
    private readonly clock: Clock,
    private readonly outbox: Outbox,
  ) {}

  /** An agreement with an empty draft; nothing is in force before it is published. */
  async create(
    db: Db,
    input: CreateAgreement,
    by: Principal,
  ): Promise<Result<{ id: Id; reference: string }, Refusal>> {
    const [party] = await db.query<{ operator: boolean; name: string }[]>(
      `SELECT is_operator AS operator, name FROM party WHERE id = $1 AND retired_at IS NULL`,
      [input.partyId],
    );
    if (!party || party.operator) {
      return err(
        invalid('no-such-party', 'An agreement is with a party that is not the operator itself.', [
          {
            field: '/partyId',
            problem: party ? 'is the operator' : 'is no party, or a retired one',
            mend: 'Give the id of the counterparty.',
          },
        ]),
      );
    }
    const now = this.clock.now();
    const { partyId, title } = input;
    const head = await this.#begin(db, { partyId, partyName: party.name, title, now }, by);
    await this.#insertDraft(db, head, 0, SILENT, now);
    return ok({ id: head.id, reference: head.reference });
  }

  async edit(
    db: Db,
    id: Id,
    edit: EditAgreement,
    rowVersion: WantedVersion,
    by: Principal,
  ): Promise<Result<Edited, Refusal>> {
    const at = this.clock.now();
    const edited = await editRow(db, AGREEMENT, id, edit, rowVersion, at);
    if (edited.ok && edited.value.changed.length > 0) {
      await this.ledger.append(db, {
        kind: 'agreement.changed',
        subject: { kind: 'agreement', id },
        by,
        at,
        facts: { changed: 'title', rowVersion: edited.value.rowVersion },
        committed: { title: edit.title },
      });
    }
    return edited;
  }

  /** The draft of an agreement; where there is none, a copy of its latest version. */
  async openDraft(db: Db, id: Id, by: Principal): Promise<Result<DraftView & { opened: boolean }, Refusal>> {
    const head = await lockHead(db, id);
    if (!head) return err(noAgreement());
    const known = await findDraft(db, id);
    if (known) return ok({ ...known, opened: false });
    const latest = await versionContent(db, id);
    const now = this.clock.now();
    await this.#insertDraft(
      db,
      head,
      latest?.number ?? 0,
      latest ? { ...latest.content, validFrom: null } : SILENT,
      now,
    );
    await this.ledger.append(db, {
      kind: 'agreement.draft-opened',
      subject: { kind: 'agreement', id },
      by,
      at: now,
      facts: { basedOn: latest?.number ?? 0 },
    });
    return ok({ ...(await findDraft(db, id))!, opened: true });
  }

  /** Changes the draft, if it still is as the caller last saw it; else says what became another since. */
  async editDraft(
    db: Db,
    id: Id,
    edit: EditDraft,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<DraftView, Refusal>> {
    const head = await lockHead(db, id);
    const draft = head && (await findDraft(db, id));
    if (!draft) return err(noDraft());
    if (draft.rowVersion !== rowVersion) return err(stale(staleFields(draft.content, edit)));
    const content: DraftContent = { ...draft.content, ...(edit as Partial<DraftContent>) };
    const wrong = wrongIn(content, await known(db, head, content));
    if (wrong.length > 0)
      return err(invalid('invalid-draft', 'The draft is not as an agreement must be.', wrong));
    const changed = (Object.keys(edit) as (keyof DraftContent)[]).filter(
      (field) => JSON.stringify(draft.content[field]) !== JSON.stringify(content[field]),
    );
    if (changed.length === 0) return ok(draft);
    const { validFrom, ...kept } = content;
    const now = this.clock.now();
    await db.query(
      `UPDATE agreement_draft SET content = $2, valid_from = $3, updated_at = $4, row_version = row_version + 1 WHERE agreement_id = $1`,
      [id, JSON.stringify(kept), validFrom, iso(now)],
    );
    await this.ledger.append(db, {
      kind: 'agreement.draft-changed',
      subject: { kind: 'agreement', id },
      by,
      at: now,
      facts: { changed: changed.sort().join(' '), terms: content.terms.length, rowVersion: rowVersion + 1 },
    });
    return ok((await findDraft(db, id))!);
  }

  /** Throws the draft away; what is in force stays. */
  async discardDraft(db: Db, id: Id, rowVersion: number, by: Principal): Promise<Result<void, Refusal>> {
    const head = await lockHead(db, id);
    const draft = head && (await findDraft(db, id));
    if (!draft) return err(noDraft());
    if (draft.rowVersion !== rowVersion) return err(stale([]));
    await db.query(`DELETE FROM agreement_draft WHERE agreement_id = $1`, [id]);
    await this.ledger.append(db, {
      kind: 'agreement.draft-discarded',
      subject: { kind: 'agreement', id },
      by,
      at: this.clock.now(),
      facts: { basedOn: draft.basedOn },
    });
    return ok(undefined);
  }

  /**
   * Makes the draft an immutable version, in force from its start. Notices that are owed keep the version that they were
   * owed under, and so do cases that are open.
   */
  async publish(
    db: Db,
    id: Id,
    rowVersion: number,
    by: Principal,
  ): Promise<Result<PublishedVersion, Refusal>> {
    const head = await lockHead(db, id);
    const draft = head && (await findDraft(db, id));
    if (!draft) return err(noDraft());
    if (draft.rowVersion !== rowVersion) return err(stale([]));
    const now = this.clock.now();
    const latest = await versionContent(db, id);
    if ((latest?.number ?? 0) !== draft.basedOn) {
      return err(
        refusal(
          'conflict',
          'draft-outdated',
          `Version ${latest?.number} came while this draft was written on version ${draft.basedOn}. Compare them, discard the draft and begin again.`,
        ),
      );
    }
    const { content } = draft;
    const validFrom = content.validFrom === null ? now : (parseInstant(content.validFrom) ?? now);
    // Contacts leave and calendars go while a draft lies about.
    const wrong = [
      ...wrongIn(content, await known(db, head, content)),
      ...whenHeld(validFrom, content.validUntil, latest !== undefined && content.validFrom !== null, now),
    ];
    if (wrong.length > 0)
      return err(invalid('invalid-draft', 'The draft cannot be published as it is.', wrong));
    const { said, hash } = readyToWrite(content, await calendarIds(db));
    if (latest?.hash.equals(hash) && content.validFrom === null) {
      return err(
        refusal('conflict', 'nothing-changed', `The draft says the same as version ${latest.number}.`),
      );
    }
    await db.query(`DELETE FROM agreement_draft WHERE agreement_id = $1`, [id]);
    return ok(await this.#write(db, head, { number: draft.basedOn + 1, validFrom, hash, said, now }, by));
  }

  /**
   * Writes what both sides signed elsewhere as the next version, in force from now; where nothing was agreed with the party
   * yet, as the first of a new agreement. What stands already stays as it is. A draft that lies about is not touched.
   */
  async adopt(
    db: Db,
    { agreementId, partyId, title, content }: Adopted,
    by: Principal,
  ): Promise<Result<PublishedVersion & { agreementId: Id }, Refusal>> {
    const now = this.clock.now();
    const [party] = await db.query<{ name: string }[]>('SELECT name FROM party WHERE id = $1', [partyId]);
    if (!party) return err(noAgreement());
    const wrong = [
      ...wrongIn(content, await known(db, { id: '', partyId, partyName: party.name }, content)),
      ...whenHeld(now, content.validUntil, agreementId !== null, now),
    ];
    if (wrong.length > 0) return err(invalid('invalid-terms', 'The terms cannot hold as they are.', wrong));
    const existing = agreementId === null ? undefined : await lockHead(db, agreementId);
    const head = existing ?? (await this.#begin(db, { partyId, partyName: party.name, title, now }, by));
    const latest = await versionContent(db, head.id);
    const { said, hash } = readyToWrite({ ...content, validFrom: null }, await calendarIds(db));
    if (latest?.hash.equals(hash)) {
      const validFrom = latest.content.validFrom ?? iso(now);
      return ok({
        agreementId: head.id,
        id: latest.id,
        number: latest.number,
        validFrom,
        contentHash: hash.toString('hex'),
      });
    }
    const number = (latest?.number ?? 0) + 1;
    const written = await this.#write(db, head, { number, validFrom: now, hash, said, now }, by);
    return ok({ agreementId: head.id, ...written });
  }

  async #begin(
    db: Db,
    { partyId, partyName, title, now }: { partyId: Id; partyName: string; title: string; now: Millis },
    by: Principal,
  ): Promise<Head & { reference: string }> {
    const [id, reference] = [newId(), await nextReference(db, 'AGR', now)];
    await db.query(
      `INSERT INTO agreement (id, reference, source, party_id, title, created_at, updated_at) VALUES ($1, $2, 'console', $3, $4, $5, $5)`,
      [id, reference, partyId, title, iso(now)],
    );
    await this.ledger.append(db, {
      kind: 'agreement.created',
      subject: { kind: 'agreement', id },
      by,
      at: now,
      facts: { reference, partyId },
      committed: { title },
    });
    return { id, reference, partyId, partyName };
  }

  async #write(
    db: Db,
    head: Head,
    version: Pick<NewVersion, 'number' | 'validFrom' | 'hash' | 'said' | 'now'>,
    by: Principal,
  ): Promise<PublishedVersion> {
    const { number, validFrom, hash, said, now } = version;
    const versionId = await insertVersion(db, { ...head, ...version });
    await this.ledger.append(db, {
      kind: 'agreement_version.created',
      subject: { kind: 'agreement_version', id: versionId },
      by,
      at: now,
      facts: {
        agreementId: head.id,
        number,
        validFrom: iso(validFrom),
        validUntil: said.validUntil,
        terms: said.terms.length,
        hash: hash.toString('hex'),
      },
    });
    await this.outbox.put(db, versionPublished, { agreementId: head.id, versionId, number });
    return { id: versionId, number, validFrom: iso(validFrom), contentHash: hash.toString('hex') };
  }

  async #insertDraft(
    db: Db,
    { id, partyId }: { id: Id; partyId: Id },
    basedOn: number,
    content: DraftContent,
    now: Millis,
  ): Promise<void> {
    const { validFrom, ...kept } = content;
    await db.query(
      `INSERT INTO agreement_draft (agreement_id, party_id, based_on, content, valid_from, created_at, updated_at)
       VALUES ($1, $2, $3, $4, $5, $6, $6)`,
      [id, partyId, basedOn, JSON.stringify(kept), validFrom, iso(now)],
    );
  }
}

/** One writer of an agreement at a time: versions are numbered without a gap. */
async function lockHead(db: Db, id: Id): Promise<Head | undefined> {
  const [head] = await rowsOf<Head>(
    db,
    `SELECT a.id, a.party_id AS "partyId", p.name AS "partyName" FROM agreement a JOIN party p ON p.id = a.party_id
      WHERE a.id = $1 FOR UPDATE OF a`,
    [id],
  );
  return head;
}

async function known(db: Db, head: Head, content: DraftContent): Promise<Known> {
  const ids = content.terms.flatMap((term) => [...term.recipients, ...term.fallbackRecipients]);
  const contacts = await db.query<{ id: Id; active: boolean; side: 'us' | 'them' | 'other' }[]>(
    `SELECT k.id, k.active, CASE WHEN k.party_id = $2 THEN 'them' WHEN p.is_operator THEN 'us' ELSE 'other' END AS side
       FROM contact k JOIN party p ON p.id = k.party_id WHERE k.id = ANY($1::uuid[])`,
    [ids, head.partyId],
  );
  const calendars = await listCalendars(db);
  return {
    partyName: head.partyName,
    contacts: new Map(contacts.map((contact) => [contact.id, contact])),
    calendars: calendars.map(({ key }) => key),
  };
}

export async function calendarIds(db: Db): Promise<Map<string, Id>> {
  const rows = await db.query<{ key: string; id: Id }[]>(`SELECT key, id FROM calendar`);
  return new Map(rows.map(({ key, id }) => [key, id]));
}

function invalid(code: string, message: string, fields: FieldProblem[]): Refusal {
  return refusal('invalid', code, message, { fields });
}

function stale(fields: FieldProblem[]): Refusal {
  return refusal(
    'precondition',
    'stale-version',
    'The draft was changed since you read it. Read it again and decide anew.',
    fields.length > 0 ? { fields } : {},
  );
}

function noAgreement(): Refusal {
  return refusal('not_found', 'no-agreement', 'There is no such agreement.');
}

function noDraft(): Refusal {
  return refusal('not_found', 'no-draft', 'There is no draft of this agreement. Open one first.');
}
