import { Injectable } from '@nestjs/common';
import { newId, type Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Secret } from '../../kernel/secret.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { afterCommit, type Db } from '../../platform/database/transactions.ts';
import { Log } from '../../platform/log/log.ts';
import { Outbox } from '../../platform/outbox/outbox.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { LedgerService, type LedgerInput } from '../ledger/ledger.service.ts';
import type { Exchange, Verdict } from './connector.ts';
import type { RevocationFacet, SessionsFacet } from './containment.rules.ts';
import {
  insertEvidence,
  lockDeath,
  setLiveness,
  setRevocation,
  setSessions,
  type DeathRow,
} from './death-rows.queries.ts';
import { firstReprobe } from './reprobe-version.definition.ts';
import { cameBackToLife, facetChanged } from './revocation.events.ts';
import { versionBinding, type VersionFacts } from './targets.service.ts';

export type EvidenceKind =
  'revoke' | 'probe' | 'control' | 'own_authentication' | 'sessions' | 'location' | 'clear_away';

/** On whose behalf, and under which key, something is asked and recorded. */
export interface Trail {
  by: Principal;
  stepId: Id | null;
  idempotencyKey: string;
  attempt: number;
}

export interface Finding {
  kind: EvidenceKind;
  /** The answer's word: `accepted`, `dead`, … */
  outcome: string;
  why: string;
  exchange: Exchange | null;
  connectionId: Id | null;
  pathKey: string;
  locationId?: Id;
}

/** What is known of each version's death: evidence is added, facets follow from it, the ledger and the outbox hear of it. */
@Injectable()
export class Deaths {
  constructor(
    private readonly vault: Vault,
    private readonly ledger: LedgerService,
    private readonly outbox: Outbox,
    private readonly clock: Clock,
    private readonly log: Log,
  ) {}

  /** The version's row, made when missing, locked until the transaction ends: facets change one after another. */
  lock(db: Db, version: Pick<VersionFacts, 'id' | 'credentialId' | 'integrationId'>): Promise<DeathRow> {
    const { id: versionId, credentialId, integrationId } = version;
    return lockDeath(db, { versionId, credentialId, integrationId, now: this.clock.now() });
  }

  /** Adds evidence. The row of `lock` must be held, so that numbers under one key do not collide. */
  async addEvidence(db: Db, version: VersionFacts, finding: Finding, trail: Trail): Promise<Id> {
    const [id] = await this.addAllEvidence(db, version, [finding], trail);
    return id!;
  }

  /** Several pieces of evidence in one statement, in their order. */
  async addAllEvidence(
    db: Db,
    version: VersionFacts,
    findings: readonly Finding[],
    trail: Trail,
  ): Promise<Id[]> {
    const now = this.clock.now();
    const rows = findings.map(({ exchange, ...finding }) => ({
      id: newId(),
      kind: finding.kind,
      credentialId: version.credentialId,
      integrationId: version.integrationId,
      versionId: version.id,
      locationId: finding.locationId ?? null,
      stepId: trail.stepId,
      idempotencyKey: trail.idempotencyKey,
      attempt: trail.attempt,
      connectionId: finding.connectionId,
      path: finding.pathKey,
      asked: exchange ? `${exchange.method} ${exchange.url}` : 'nothing',
      status: exchange?.status ?? null,
      outcome: finding.outcome,
      why: finding.why.slice(0, 2000),
      extract: exchange?.extract ?? '',
      startedAt: exchange?.startedAt ?? now,
      endedAt: exchange?.endedAt ?? now,
    }));
    await insertEvidence(db, rows);
    for (const [at, { exchange, kind, outcome, connectionId }] of findings.entries()) {
      if (!exchange) continue;
      const line = {
        correlationId: trail.by.correlationId,
        connection: connectionId,
        kind,
        outcome,
        status: exchange.status,
        ms: exchange.endedAt - exchange.startedAt,
        version: version.id,
        step: trail.stepId,
        evidence: rows[at]!.id,
      };
      afterCommit(db, () => this.log.info(line, 'a supplier was asked'));
    }
    return rows.map(({ id }) => id);
  }

  /** The intent, committed before the first byte leaves. */
  async intendRevoke(
    db: Db,
    version: VersionFacts,
    death: DeathRow,
    trail: Trail,
    how: Record<string, string>,
  ): Promise<void> {
    const at = this.clock.now();
    const facet: RevocationFacet = death.revocation === 'accepted' ? 'accepted' : 'requested';
    await setRevocation(db, {
      versionId: version.id,
      facet,
      at,
      evidenceId: null,
      ownAuthenticationFailures: death.ownAuthenticationFailures,
      revokeSentAt: at,
    });
    await this.#entry(db, 'revocation.requested', version, trail, at, how);
    await this.#changed(db, version, 'revocation', death.revocation, facet);
  }

  /** What the supplier answered to a revoke. `facet` null: it changes nothing that we know. */
  async settleRevoke(
    db: Db,
    version: VersionFacts,
    death: DeathRow,
    answer: {
      facet: RevocationFacet | null;
      outcome: string;
      evidenceId: Id;
      ownAuthenticationFailed: boolean;
      /** Nothing left the house after all: the time of the last revoke that did. */
      neverSent?: { lastSentAt: Millis | null };
    },
    trail: Trail,
  ): Promise<void> {
    const at = this.clock.now();
    // A "no" after a "yes" takes nothing back: the supplier said that it did it.
    const facet =
      answer.facet === null || (answer.facet === 'rejected' && death.revocation === 'accepted')
        ? death.revocation
        : answer.facet;
    const failures = answer.ownAuthenticationFailed
      ? death.ownAuthenticationFailures + 1
      : answer.facet === 'accepted'
        ? 0
        : death.ownAuthenticationFailures;
    const sentAt = answer.neverSent ? answer.neverSent.lastSentAt : death.revokeSentAt;
    await setRevocation(db, {
      versionId: version.id,
      facet,
      at,
      evidenceId: answer.evidenceId,
      ownAuthenticationFailures: failures,
      revokeSentAt: sentAt,
    });
    await this.#entry(db, `revocation.${answer.outcome}`, version, trail, at, {
      evidenceId: answer.evidenceId,
    });
    await this.#changed(db, version, 'revocation', death.revocation, facet);
  }

  /**
   * A look at the verifier, weighed by `deathOf`. Only a live answer takes a proven death back: a later look that cannot
   * tell proves nothing in either direction. A look older than the one on record changes nothing.
   */
  async settleLiveness(
    db: Db,
    version: VersionFacts,
    death: DeathRow,
    look: { verdict: Verdict; at: Millis; evidenceId: Id; controlEvidenceId: Id | null },
    trail: Trail,
  ): Promise<void> {
    if (death.livenessAt !== null && look.at < death.livenessAt) return;
    if (death.liveness === 'dead' && look.verdict === 'indeterminate') return;
    const at = this.clock.now();
    await setLiveness(db, {
      versionId: version.id,
      verdict: look.verdict,
      seenAt: look.at,
      evidenceId: look.evidenceId,
      controlEvidenceId: look.controlEvidenceId,
      at,
    });
    if (death.liveness === look.verdict) return;
    const facts = {
      evidenceId: look.evidenceId,
      ...(look.controlEvidenceId ? { controlEvidenceId: look.controlEvidenceId } : {}),
    };
    const cameBack = death.liveness === 'dead';
    const kind =
      look.verdict === 'dead'
        ? 'revocation.proven-dead'
        : cameBack
          ? 'revocation.came-back-to-life'
          : `revocation.seen-${look.verdict}`;
    await this.#entry(db, kind, version, trail, at, facts);
    await this.#changed(db, version, 'liveness', death.liveness, look.verdict);
    if (look.verdict === 'dead') await this.outbox.put(db, ...firstReprobe(version.id, at));
    else if (cameBack) {
      const event = { ...idsOf(version), evidenceId: look.evidenceId, at: iso(look.at) };
      await this.outbox.put(db, cameBackToLife, event);
    }
  }

  async settleSessions(
    db: Db,
    version: VersionFacts,
    death: DeathRow,
    sessions: { facet: SessionsFacet; until: Millis | null; evidenceId: Id },
    trail: Trail,
  ): Promise<void> {
    const at = this.clock.now();
    const { facet, until, evidenceId } = sessions;
    await setSessions(db, { versionId: version.id, facet, until, at, evidenceId });
    if (death.sessions === sessions.facet && death.sessionsUntil === sessions.until) return;
    const residual: Record<string, string> = until === null ? {} : { until: iso(until) };
    await this.#entry(db, `revocation.sessions-${sessions.facet}`, version, trail, at, {
      evidenceId: sessions.evidenceId,
      ...residual,
    });
    await this.#changed(db, version, 'sessions', death.sessions, sessions.facet);
  }

  /** A copy's facet, for those who roll containment up. */
  async copyChanged(
    db: Db,
    version: Pick<VersionFacts, 'id' | 'credentialId' | 'integrationId'>,
    locationId: Id,
    from: string | null,
    to: string,
  ): Promise<void> {
    await this.outbox.put(db, facetChanged, { ...idsOf(version), facet: 'copy', from, to, locationId });
  }

  /**
   * Keeps the values of versions, sealed, because revoking or proving needs them. Kept once: a second witness with the
   * same value changes only how long. Set-based: one costs as many statements as a thousand.
   */
  async keepValues(
    db: Db,
    kept: readonly { version: Pick<VersionFacts, 'id' | 'credentialId' | 'integrationId'>; value: Secret }[],
    until: Millis,
  ): Promise<void> {
    if (kept.length === 0) return;
    const versions = kept.map(({ version }) => version);
    const now = this.clock.date();
    await db.query(
      `INSERT INTO version_death (version_id, credential_id, integration_id, updated_at)
       SELECT r.*, $4::timestamptz FROM unnest($1::uuid[], $2::uuid[], $3::uuid[]) AS r(version_id, credential_id, integration_id)
        ORDER BY r.version_id ON CONFLICT (version_id) DO NOTHING`,
      [
        versions.map(({ id }) => id),
        versions.map(({ credentialId }) => credentialId),
        versions.map(({ integrationId }) => integrationId),
        now,
      ],
    );
    const locked = await db.query<{ version_id: Id; value_ref: string | null }[]>(
      `SELECT version_id, value_ref FROM version_death WHERE version_id = ANY($1::uuid[]) ORDER BY version_id FOR UPDATE`,
      [versions.map(({ id }) => id)],
    );
    const refs = new Map(locked.map((row) => [row.version_id, row.value_ref]));
    const fresh = kept.filter(({ version }) => refs.get(version.id) === null);
    const put = await this.vault.putAll(
      db,
      fresh.map(({ version, value }) => ({ boundTo: versionBinding(version.id), value })),
    );
    for (const [at, { version }] of fresh.entries()) refs.set(version.id, put[at]!);
    await db.query(
      `UPDATE version_death d SET value_ref = r.ref, value_until = greatest(coalesce(d.value_until, $3), $3), updated_at = $4
         FROM unnest($1::uuid[], $2::text[]) AS r(version_id, ref) WHERE d.version_id = r.version_id`,
      [[...refs.keys()], [...refs.values()], new Date(until), now],
    );
  }

  /** The same for those of many versions that have a value. */
  async forgetValues(db: Db, versionIds: readonly Id[], by: Principal): Promise<void> {
    const rows = await db.query<{ version_id: Id }[]>(
      `SELECT version_id FROM version_death
        WHERE version_id = ANY($1::uuid[]) AND value_ref IS NOT NULL ORDER BY version_id FOR UPDATE`,
      [versionIds],
    );
    for (const { version_id: versionId } of rows) await this.forgetValue(db, versionId, by);
  }

  /** Destroys the kept value for good: containment is verified, or its hold has expired. */
  async forgetValue(db: Db, versionId: Id, by: Principal): Promise<boolean> {
    const [row] = await db.query<{ value_ref: string; credential_id: Id; integration_id: Id }[]>(
      `SELECT value_ref, credential_id, integration_id FROM version_death WHERE version_id = $1 AND value_ref IS NOT NULL FOR UPDATE`,
      [versionId],
    );
    if (!row) return false;
    await this.vault.destroy(db, row.value_ref);
    const at = this.clock.now();
    await db.query(
      `UPDATE version_death SET value_ref = NULL, value_until = NULL, updated_at = $2 WHERE version_id = $1`,
      [versionId, new Date(at)],
    );
    await this.ledger.append(db, {
      kind: 'credential_version.value-destroyed',
      subject: { kind: 'credential_version', id: versionId },
      by,
      at,
      facts: { credentialId: row.credential_id, integrationId: row.integration_id },
    });
    return true;
  }

  async #entry(
    db: Db,
    kind: string,
    version: VersionFacts,
    trail: Trail,
    at: Millis,
    facts: Record<string, string>,
  ): Promise<void> {
    const entry: LedgerInput = {
      kind,
      subject: { kind: 'credential_version', id: version.id },
      by: trail.by,
      at,
      facts: {
        credentialId: version.credentialId,
        integrationId: version.integrationId,
        ...(trail.stepId ? { stepId: trail.stepId } : {}),
        ...facts,
      },
    };
    await this.ledger.append(db, entry);
  }

  async #changed(
    db: Db,
    version: VersionFacts,
    facet: 'revocation' | 'liveness' | 'sessions',
    from: string | null,
    to: string,
  ): Promise<void> {
    if (from === to) return;
    await this.outbox.put(db, facetChanged, { ...idsOf(version), facet, from, to, locationId: null });
  }
}

function idsOf(version: Pick<VersionFacts, 'id' | 'credentialId' | 'integrationId'>) {
  return { versionId: version.id, credentialId: version.credentialId, integrationId: version.integrationId };
}
