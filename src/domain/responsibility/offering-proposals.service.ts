import { Injectable } from '@nestjs/common';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { calendarIds } from '../agreements/agreements.service.ts';
import { readyToWrite } from '../agreements/insert-version.ts';
import { termSheetText } from '../agreements/term-sheet-text.rules.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { refusalsOf } from './attestations.service.ts';
import type { BoundTerms } from './bound-terms.ts';
import { sameCell, type DraftCell } from './draft.rules.ts';
import { cellKey } from './material-changes.rules.ts';
import {
  cellsOfVersion,
  declaredNow,
  findDraft,
  findVersion,
  newestVersion,
  signedVersion,
} from './matrix-facts.queries.ts';
import { MatrixProposalsService } from './matrix-proposals.service.ts';
import { matrixHash } from './matrix.rules.ts';
import {
  fitted,
  lastAsked,
  offeringVersion,
  partyName,
  versionOfOffering,
  type Fitted,
  type OfferingVersionFacts,
} from './offering-facts.queries.ts';
import { nextChaseAt } from './offering.rules.ts';
import type {
  AskedProposals,
  Chased,
  ChaseOffering,
  ProposeOffering,
  TargetProblem,
} from './offering.schema.ts';
import { authorOf, lockOffering, noOffering, offeringRetired } from './offerings.service.ts';
import { targetsToChase, targetsToPropose } from './offerings.queries.ts';
import { proposeOffering } from './propose-offering.definition.ts';
import { Signatures } from './signatures.service.ts';

interface Target {
  id: Id;
  offeringId: Id;
  integrationId: Id;
  state: 'queued' | 'proposed' | 'failed';
  wantedVersionId: Id;
  askedBy: Principal;
}

/** Lays an offering before its customers, one by one, and reminds those who have not signed. */
@Injectable()
export class OfferingProposals {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly proposals: MatrixProposalsService,
    private readonly signatures: Signatures,
  ) {}

  /** Asks for the newest version to be laid before customers. What lies there already, or is on its way, stays. */
  ask(offeringId: Id, input: ProposeOffering, by: Principal): Promise<Result<AskedProposals, Refusal>> {
    return refusalsOf(() =>
      this.transactions.run(by, async (db) => {
        await lockOffering(db, offeringId);
        const version = await versionOfOffering(db, offeringId);
        if (!version)
          throw new Refused(
            refusal('conflict', 'not-published', 'Nothing was published yet: publish the draft first.'),
          );
        const wanted = [...new Set(input.integrationIds ?? (await targetsToPropose(db, version)))];
        const targets: AskedProposals['targets'] = [];
        for (const integrationId of wanted) {
          const problem = await this.#queue(db, version, integrationId, by);
          const outcome = problem === null ? 'queued' : problem === 'already' ? 'already' : 'refused';
          targets.push({
            integrationId,
            outcome,
            problem: typeof problem === 'object' ? problem : null,
          });
        }
        const queued = targets.filter(({ outcome }) => outcome === 'queued');
        if (queued.length > 0)
          await this.ledger.append(db, {
            kind: 'offering.proposed',
            subject: { kind: 'offering', id: offeringId },
            by,
            at: this.clock.now(),
            facts: { version: version.id, integrations: queued.map((one) => one.integrationId) },
          });
        return { version: version.number, targets };
      }),
    );
  }

  async #queue(
    db: Db,
    version: OfferingVersionFacts,
    integrationId: Id,
    by: Principal,
  ): Promise<TargetProblem | 'already' | null> {
    const [row] = await db.query<
      {
        state: string;
        targetId: Id | null;
        offeringId: Id | null;
        offering: string | null;
        target: string | null;
        wanted: Id | null;
        matrix: string | null;
      }[]
    >(
      `SELECT i.state, t.id AS "targetId", t.offering_id AS "offeringId", o.name AS offering, t.state AS target, t.wanted_version_id AS wanted,
              m.state AS matrix
         FROM integration i LEFT JOIN offering_target t ON t.integration_id = i.id LEFT JOIN offering o ON o.id = t.offering_id
         LEFT JOIN matrix_version m ON m.id = t.matrix_version_id WHERE i.id = $1`,
      [integrationId],
    );
    const no = (code: string, message: string) => ({ code, message, fields: [] });
    if (!row) return no('no-integration', 'There is no such integration.');
    if (row.state === 'retired') return no('retired', 'The integration is retired.');
    if (row.offeringId !== null && row.offeringId !== version.offeringId)
      return no('other-offering', `It stands under the offering "${row.offering}". Take it out there first.`);
    // Sent back or withdrawn, it may be asked again; so may what failed.
    const lies = row.target === 'proposed' && ['proposed', 'countersigned'].includes(row.matrix ?? '');
    if (row.wanted === version.id && (row.target === 'queued' || lies)) return 'already';
    const { ip: _ip, ...asker } = by;
    const id = row.targetId ?? newId();
    await db.query(
      `INSERT INTO offering_target (id, offering_id, integration_id, state, wanted_version_id, asked_by, asked_at)
       VALUES ($1, $2, $3, 'queued', $4, $5, $6)
       ON CONFLICT ON CONSTRAINT offering_target_integration DO UPDATE SET
         state = 'queued', wanted_version_id = excluded.wanted_version_id, asked_by = excluded.asked_by, asked_at = excluded.asked_at,
         failure = NULL, settled_at = NULL`,
      [id, version.offeringId, integrationId, version.id, JSON.stringify(asker), iso(this.clock.now())],
    );
    await this.outbox.put(db, proposeOffering, { targetId: id }, { key: id });
    return null;
  }

  /** Lays it before one customer. A refusal is what became of this customer, not an error. */
  async lay(targetId: Id): Promise<void> {
    const everything = system('offerings', targetId);
    const done = await refusalsOf(() =>
      this.transactions.run(everything, async (db) => {
        const target = await findTarget(db, targetId);
        if (target?.state === 'queued') await this.#layOne(db, target, this.clock.now());
      }),
    );
    if (done.ok) return;
    await this.transactions.run(everything, async (db) => {
      const target = await findTarget(db, targetId);
      if (target?.state !== 'queued') return;
      const { code, message, fields = [] } = done.error;
      await db.query(
        `UPDATE offering_target SET state = 'failed', failure = $2, settled_at = $3 WHERE id = $1`,
        [targetId, JSON.stringify({ code, message, fields }), iso(this.clock.now())],
      );
      await this.ledger.append(db, {
        kind: 'offering.proposal_failed',
        subject: { kind: 'offering', id: target.offeringId },
        by: target.askedBy,
        at: this.clock.now(),
        facts: { integration: target.integrationId, version: target.wantedVersionId, code },
      });
    });
  }

  async #layOne(db: Db, target: Target, now: Millis): Promise<void> {
    const { integrationId, askedBy: by } = target;
    const [offering] = await db.query<{ retired: boolean }[]>(
      'SELECT retired_at IS NOT NULL AS retired FROM offering WHERE id = $1 FOR SHARE',
      [target.offeringId],
    );
    if (offering?.retired) throw new Refused(offeringRetired());
    await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [integrationId]);
    const version = (await offeringVersion(db, target.wantedVersionId))!;
    const draft = await findDraft(db, integrationId);
    if (draft)
      throw new Refused(
        refusal(
          'conflict',
          'draft-open',
          'Somebody has drafted changes to this matrix. Propose or discard them, then propose again.',
        ),
      );
    const fit = await fitted(db, version, integrationId, now);
    if (fit.problems.length > 0)
      throw new Refused(
        refusal('invalid', 'does-not-fit', 'The offering does not fit this customer yet.', {
          fields: fit.problems,
        }),
      );
    const terms = await bound(db, version, fit);
    const before = await newestVersion(db, integrationId);
    const declared = await declaredNow(db, integrationId);
    const hash = matrixHash({
      integrationId,
      rows: fit.cells,
      declared,
      terms: terms?.contentHash ?? null,
    }).toString('hex');
    const signed = await signedVersion(db, integrationId);
    const standing = [signed, before?.state === 'proposed' ? before : undefined].find(
      (one) => one?.contentHash === hash,
    );
    if (standing && saysTheSame(await cellsOfVersion(db, standing.id), fit.cells))
      return settled(db, target, standing.id, now);
    const after = { rows: fit.cells, declared, terms: terms?.contentHash ?? null };
    await this.signatures.fallIfMaterial(db, integrationId, after, by, now);
    const author = await authorOf(db, by, version.partyId);
    const authors = version.editors.some(({ id }) => id === author.id)
      ? version.editors
      : [...version.editors, author];
    const laid = await this.proposals.lay(db, integrationId, fit.cells, {
      number: (before?.number ?? 0) + 1,
      authors,
      partyId: version.partyId,
      reattestDays: version.reattestDays,
      terms,
      offeringId: version.offeringId,
      by,
      now,
      invite: true,
    });
    await settled(db, target, laid.versionId, now);
  }

  /** Reminds those who have not signed, each no more often than the offering says. */
  async chase(offeringId: Id, input: ChaseOffering, by: Principal): Promise<Result<Chased, Refusal>> {
    return refusalsOf(async () => {
      const found = await this.transactions.run(by, (db) =>
        targetsToChase(db, offeringId, input.integrationIds ?? null),
      );
      if (!found) throw new Refused(noOffering());
      if (found.retired) throw new Refused(offeringRetired());
      const targets: Chased['targets'] = [];
      // Each on its own, so that one that fails takes no other's reminder back.
      for (const one of found.targets)
        targets.push(await this.transactions.run(by, (db) => this.#chaseOne(db, found.everyHours, one, by)));
      return { targets };
    });
  }

  async #chaseOne(
    db: Db,
    everyHours: number,
    { targetId, integrationId }: { targetId: Id | null; integrationId: Id },
    by: Principal,
  ): Promise<Chased['targets'][number]> {
    const now = this.clock.now();
    const say = (outcome: Chased['targets'][number]['outcome'], nextAt: Millis | null = null) => ({
      integrationId,
      outcome,
      contacts: [],
      nextAt: nextAt === null ? null : iso(nextAt),
    });
    await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [integrationId]);
    const [row] = await db.query<{ versionId: Id | null }[]>(
      'SELECT matrix_version_id AS "versionId" FROM offering_target WHERE id = $1 FOR UPDATE',
      [targetId],
    );
    const version = row?.versionId ? await findVersion(db, row.versionId) : undefined;
    if (!version || !['proposed', 'expired'].includes(version.state)) return say('not_waiting');
    const { signers, missing } = await this.signatures.standing(db, version, now);
    if (missing.length === 0) return say('not_waiting');
    const next = nextChaseAt(await lastAsked(db, version.id), everyHours, now);
    if (next !== null) return say('too_soon', next);
    const signed = signers.filter((id) => !missing.includes(id));
    const told = await this.signatures.tellAll(db, version, 'attest', now, signed);
    if (told.length === 0) return say('nobody_to_mail');
    await db.query('UPDATE offering_target SET chased_at = $2, chases = chases + 1 WHERE id = $1', [
      targetId,
      iso(now),
    ]);
    await this.ledger.append(db, {
      kind: 'matrix.chased',
      subject: { kind: 'matrix_version', id: version.id },
      by,
      at: now,
      facts: { integration: integrationId, contacts: told.map(({ contactId }) => contactId) },
    });
    return { ...say('reminded', now + everyHours * 3_600_000), contacts: told.map((one) => one.contactId) };
  }

  /** Takes a customer out of an offering. What was proposed and signed stays as it is. */
  remove(offeringId: Id, integrationId: Id, by: Principal): Promise<Result<void, Refusal>> {
    return refusalsOf(() =>
      this.transactions.run(by, async (db) => {
        await lockOffering(db, offeringId, { evenRetired: true });
        const [row] = await db.query<{ id: Id }[]>(
          'SELECT id FROM offering_target WHERE offering_id = $1 AND integration_id = $2',
          [offeringId, integrationId],
        );
        if (!row)
          throw new Refused(
            refusal('not_found', 'no-target', 'The offering was not proposed to this customer.'),
          );
        await db.query('DELETE FROM offering_target WHERE id = $1', [row.id]);
        await this.ledger.append(db, {
          kind: 'offering.customer_removed',
          subject: { kind: 'offering', id: offeringId },
          by,
          at: this.clock.now(),
          facts: { integration: integrationId },
        });
      }),
    );
  }
}

/** Contacts and notes included, which no hash covers. */
function saysTheSame(before: readonly DraftCell[], after: readonly DraftCell[]): boolean {
  const old = new Map(before.map((cell) => [cellKey(cell), cell]));
  return old.size === after.length && after.every((cell) => sameCell(old.get(cellKey(cell)), cell));
}

async function findTarget(db: Db, id: Id): Promise<Target | undefined> {
  const [row] = await db.query<Target[]>(
    `SELECT id, offering_id AS "offeringId", integration_id AS "integrationId", state, wanted_version_id AS "wantedVersionId",
            asked_by AS "askedBy" FROM offering_target WHERE id = $1 FOR UPDATE`,
    [id],
  );
  return row;
}

async function settled(db: Db, target: Target, matrixVersionId: Id, now: Millis): Promise<void> {
  await db.query(
    `UPDATE offering_target SET state = 'proposed', proposed_version_id = wanted_version_id, matrix_version_id = $2, failure = NULL,
            settled_at = $3 WHERE id = $1`,
    [target.id, matrixVersionId, iso(now)],
  );
}

async function bound(db: Db, version: OfferingVersionFacts, fit: Fitted): Promise<BoundTerms | undefined> {
  if (!fit.terms || fit.customerId === null) return undefined;
  const { hash } = readyToWrite(fit.terms, await calendarIds(db));
  const names = {
    us: await partyName(db, version.partyId),
    them: fit.customerName,
    contact: (id: Id) => fit.contactNames.get(id) ?? id,
  };
  return {
    partyId: fit.customerId,
    title: `${version.name}: ${fit.customerName}`.slice(0, 300),
    content: fit.terms,
    contentHash: hash.toString('hex'),
    texts: {
      en: termSheetText(fit.terms, names, 'en'),
      de: termSheetText(fit.terms, names, 'de'),
    },
  };
}
