import { Injectable } from '@nestjs/common';
import { Refused, errorText, refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import type { Secret } from '../../kernel/secret.ts';
import { HOUR, iso, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { nextReference } from '../../platform/database/references.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { may, rolesThatMay } from '../access/permissions.ts';
import { StepUp } from '../access/step-up.service.ts';
import { TemporaryPermissions } from '../access/temporary-permissions.service.ts';
import { LedgerService } from '../ledger/ledger.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import { NoticesService } from '../notices/notices.service.ts';
import { Policies } from '../policy/policies.ts';
import { versionBinding } from '../revocation/targets.service.ts';
import { mailPerson } from './mail-person.definition.ts';
import { judgeReveal, obstaclesOf, strictest, type RevealLevel, type Skipped } from './release.rules.ts';
import { responsibleFor } from './responsible.queries.ts';
import { findVersionState, usersOf, type KnownVersion } from './version-state.queries.ts';

/** How long a value stays on the page. */
export const SHOWN_FOR: Millis = 60 * SECOND;
/** How many values one person may look at in an hour. */
const REVEALS_AN_HOUR = 5;

export interface RevealRequest {
  versionId: Id;
  /** Of the form: sent again it shows nothing again. */
  key: Id;
  reason: string;
  password: Secret;
  breakGlass: boolean;
}

export interface Revealed {
  reference: string;
  versionNumber: number;
  /** The caller's to show once and wipe. */
  value: Secret;
  hiddenAt: Millis;
  breakGlass: boolean;
  skipped: readonly Skipped[];
  /** How many were told. */
  told: number;
}

interface Recorded {
  id: Id;
  version: KnownVersion;
  shown: Omit<Revealed, 'value'>;
}

/**
 * Shows a person one value, once. Only by a permission that somebody else gave for this credential, or by breaking the
 * glass; with a reason, a fresh proof of who they are, an entry in the ledger and word to everybody who answers for it.
 */
@Injectable()
export class Reveals {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly stepUp: StepUp,
    private readonly permissions: TemporaryPermissions,
    private readonly policies: Policies,
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly notices: NoticesService,
    private readonly alerts: AlertsService,
    private readonly outbox: Outbox,
    private readonly log: Log,
  ) {}

  /** How far the policies of its users let anybody see a credential. */
  async levelOf(db: Db, credentialId: Id): Promise<RevealLevel> {
    const users = await usersOf(db, credentialId);
    return strictest(users.map((one) => this.policies.of(one).policy.limits.reveal));
  }

  async reveal(asked: RevealRequest, by: Principal): Promise<Result<Revealed, Refusal>> {
    if (by.kind !== 'user' || by.personId === undefined || by.partyId !== null)
      return err(refusal('forbidden', 'person-needed', 'Only a person of the operator sees a value.'));
    const proven = await this.stepUp.prove(asked.password, by);
    if (!proven.ok) return proven;
    let recorded: Recorded;
    try {
      recorded = await this.transactions.run(by, (db) => this.#record(db, asked, by.personId!, by));
    } catch (thrown) {
      if (thrown instanceof Refused) return err(thrown.refusal);
      throw thrown;
    }
    const value = await this.#read(recorded, by);
    return value.ok ? ok({ ...recorded.shown, value: value.value }) : value;
  }

  async #record(db: Db, asked: RevealRequest, personId: Id, by: Principal): Promise<Recorded> {
    // One after the other for each person, so that the hour's number holds.
    await db.query(`SELECT FROM user_account WHERE id = $1 FOR UPDATE`, [by.id]);
    const now = this.clock.now();
    const [before] = await db.query<{ same: boolean; lately: number }[]>(
      `SELECT EXISTS (SELECT FROM reveal WHERE key = $2) AS same,
              (SELECT count(*)::int FROM reveal WHERE person_id = $1 AND at > $3) AS lately`,
      [personId, asked.key, iso(now - HOUR)],
    );
    if (before!.same)
      throw new Refused(
        refusal('conflict', 'shown-already', 'That form was used: what it showed is shown once. Ask again.'),
      );
    if (before!.lately >= REVEALS_AN_HOUR)
      throw new Refused(
        refusal(
          'too_many',
          'too-many-reveals',
          `Nobody sees more than ${REVEALS_AN_HOUR} values in an hour.`,
          {
            retryAfter: HOUR,
          },
        ),
      );
    const version = await findVersionState(db, asked.versionId);
    if (!version) throw new Refused(refusal('not_found', 'no-version', 'There is no such version.'));
    if (asked.breakGlass && !may(by, 'credentials:break-glass'))
      throw new Refused(
        refusal('forbidden', 'forbidden', 'This needs the permission credentials:break-glass.'),
      );
    const permissionId = await this.permissions.inForce(
      db,
      by.id,
      'credentials:reveal',
      version.credentialId,
    );
    const verdict = judgeReveal({
      policy: await this.levelOf(db, version.credentialId),
      obstacles: obstaclesOf(version, now),
      permitted: permissionId !== null,
      breakGlass: asked.breakGlass,
    });
    if (!verdict.show) throw new Refused(refusal('forbidden', verdict.code, verdict.why));
    const broken = verdict.skipped.length > 0;
    const id = newId();
    const reference = await nextReference(db, 'RVL', now);
    const told = await this.#tell(db, { id, reference, version, broken, at: now }, by);
    const passedOver = broken ? await this.#tellPassedOver(db, id, personId) : 0;
    await db.query(
      `INSERT INTO reveal (id, reference, key, credential_id, integration_id, version_id, user_id, person_id, permission_id, break_glass, skipped, reason, told, at, hidden_at)
       VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
      [
        id,
        reference,
        asked.key,
        version.credentialId,
        version.integrationId,
        version.id,
        by.id,
        personId,
        permissionId,
        broken,
        verdict.skipped,
        asked.reason,
        told + passedOver,
        iso(now),
        iso(now + SHOWN_FOR),
      ],
    );
    await this.ledger.append(db, {
      kind: broken ? 'credential.glass-broken' : 'credential.revealed',
      subject: { kind: 'credential', id: version.credentialId },
      by,
      at: now,
      facts: {
        reveal: id,
        reference,
        version: version.id,
        permission: permissionId,
        skipped: verdict.skipped.join(' '),
        told: told + passedOver,
      },
      committed: { reason: asked.reason },
    });
    if (broken)
      await this.alerts.raise(db, {
        kind: 'credential.glass-broken',
        severity: 'critical',
        message: `${reference}: somebody broke the glass and saw a value, past ${verdict.skipped.join(', ')}. Look at why.`,
        dedupeKey: `credential.glass-broken:${id}`,
        subject: { kind: 'credential', id: version.credentialId },
        at: now,
      });
    return {
      id,
      version,
      shown: {
        reference,
        versionNumber: version.number,
        hiddenAt: now + SHOWN_FOR,
        breakGlass: broken,
        skipped: verdict.skipped,
        told: told + passedOver,
      },
    };
  }

  /** Outside of the transaction: a store may be another machine, and what is on record stays on record. */
  async #read({ id, version }: Recorded, by: Principal): Promise<Result<Secret, Refusal>> {
    try {
      return ok(
        await this.transactions.run(by, (db) => this.vault.get(db, version.ref!, versionBinding(version.id))),
      );
    } catch (thrown) {
      this.log.warn({ reveal: id, why: errorText(thrown) }, 'a value could not be read from its store');
      await this.transactions.run(by, (db) =>
        this.ledger.append(db, {
          kind: 'credential.reveal-failed',
          subject: { kind: 'credential', id: version.credentialId },
          by,
          at: this.clock.now(),
          facts: { reveal: id },
        }),
      );
      return err(
        refusal(
          'unavailable',
          'store-silent',
          'Its store did not give the value. Nothing was shown; try again.',
        ),
      );
    }
  }

  /** Everybody who answers for the credential, or holds it, hears of it; never the value, never the reason. */
  async #tell(
    db: Db,
    reveal: { id: Id; reference: string; version: KnownVersion; broken: boolean; at: Millis },
    by: Principal,
  ): Promise<number> {
    const recipients = await responsibleFor(db, reveal.version.credentialId);
    for (const one of recipients)
      await this.notices.send(
        db,
        {
          integrationId: one.integrationId,
          partyId: one.partyId,
          contactId: one.contactId,
          subject: { kind: 'credential', id: reveal.version.credentialId },
          category: 'reveal',
          language: one.language,
          fulfilledBy: 'accepted_by_peer',
          facts: {
            contactName: one.contactName,
            partyName: one.partyName,
            integrationName: one.integrationName,
            credentialName: one.credentialName,
            versionNumber: reveal.version.number,
            revealReference: reveal.reference,
            breakGlass: reveal.broken,
            at: iso(reveal.at),
          },
          key: `reveal:${reveal.id}:${one.contactId}`,
          correlationId: by.correlationId,
        },
        by,
      );
    return recipients.length;
  }

  /** Whoever could have been asked and was not. */
  async #tellPassedOver(db: Db, revealId: Id, personId: Id): Promise<number> {
    const people = await db.query<{ personId: Id }[]>(
      `SELECT DISTINCT u.person_id AS "personId" FROM user_account u JOIN user_role r ON r.user_id = u.id
        WHERE u.state = 'active' AND u.party_id IS NULL AND r.role = ANY($1) AND u.person_id <> $2`,
      [rolesThatMay('approvals:decide'), personId],
    );
    for (const one of people)
      await this.outbox.put(
        db,
        mailPerson,
        { about: 'break-glass', personId: one.personId, revealId },
        { key: `${revealId} ${one.personId}` },
      );
    return people.length;
  }
}
