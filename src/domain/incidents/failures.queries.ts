import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Verdict } from '../revocation/connector.ts';
import { classify, TOGETHER, type FailureFacts } from './failure.rules.ts';
import type { FailureView } from './failure.schema.ts';

interface FailureRow extends Omit<FailureView, 'class' | 'why' | 'at'> {
  at: Date;
  version: FailureFacts['version'];
  ownAuthentication: Verdict | null;
  control: Verdict | null;
  othersOfSupplier: number;
}

const NEAR = `interval '${TOGETHER / 1000} seconds'`;

/** The look of a kind at the supplier that was nearest in time. Evidence is the installation's and its own integration's. */
const nearest = (kind: 'own_authentication' | 'control'): string =>
  `(SELECT e.outcome FROM evidence e WHERE e.kind = '${kind}' AND e.connection_id = c.connection_id
      AND e.ended_at BETWEEN f.at - ${NEAR} AND f.at + ${NEAR} ORDER BY abs(extract(epoch FROM e.ended_at - f.at)) LIMIT 1)`;

/**
 * Failures, newest first, each with what it is by what is known now. Of an incident: those of its credentials and
 * integrations since it was known.
 */
export async function failures(
  db: Db,
  of: { incidentId?: Id; id?: Id; externalKey?: string },
  limit: number,
): Promise<FailureView[]> {
  const rows = await rowsOf<FailureRow>(
    db,
    `SELECT f.id, jsonb_build_object('id', f.integration_id, 'name', n.name) AS integration,
            CASE WHEN f.credential_id IS NOT NULL THEN jsonb_build_object('id', f.credential_id, 'name', c.name) END AS credential,
            f.consumer, f.at, f.status, f.failure, f.actors, f.actors_failing AS "actorsFailing", f.fallback, f.fallback_note AS "fallbackNote",
            f.note,
            (SELECT jsonb_build_object('label', c.name || ', version ' || v.number, 'named', f.version_id IS NOT NULL,
                                       'dead', coalesce(d.liveness = 'dead' AND coalesce(d.dead_since, d.liveness_at) <= f.at + ${NEAR}, false),
                                       'revoked', coalesce(d.revoke_sent_at <= f.at, false),
                                       'live', coalesce(d.liveness = 'live', false))
               FROM credential_version v LEFT JOIN version_death d ON d.version_id = v.id
              WHERE v.credential_id = f.credential_id
                AND (v.id = f.version_id OR f.version_id IS NULL AND EXISTS (SELECT FROM case_credential k WHERE k.version_id = v.id))
              ORDER BY v.number DESC LIMIT 1) AS version,
            ${nearest('own_authentication')} AS "ownAuthentication", ${nearest('control')} AS control,
            (SELECT count(DISTINCT o.credential_id)::int FROM failure_report o JOIN credential oc ON oc.id = o.credential_id
              WHERE oc.verifier_party_id = c.verifier_party_id AND o.credential_id <> f.credential_id
                AND o.at BETWEEN f.at - ${NEAR} AND f.at + ${NEAR}
                AND (o.status IN (401, 403)) IS NOT DISTINCT FROM (f.status IN (401, 403))) AS "othersOfSupplier"
       FROM failure_report f
       LEFT JOIN integration n ON n.id = f.integration_id
       LEFT JOIN credential c ON c.id = f.credential_id
      WHERE ($1::uuid IS NULL OR f.id = $1) AND ($2::text IS NULL OR f.external_key = $2)
        AND ($3::uuid IS NULL OR f.at >= (SELECT i.awareness_at FROM incident i WHERE i.id = $3)
             AND (EXISTS (SELECT FROM incident_credential x WHERE x.incident_id = $3 AND x.credential_id = f.credential_id)
                  OR f.credential_id IS NULL
                     AND EXISTS (SELECT FROM incident_case k WHERE k.incident_id = $3 AND k.integration_id = f.integration_id)))
      ORDER BY f.at DESC, f.id DESC LIMIT $4`,
    [of.id ?? null, of.externalKey ?? null, of.incidentId ?? null, limit],
  );
  return rows.map(({ version, ownAuthentication, control, othersOfSupplier, at, ...row }) => ({
    ...row,
    at: at.toISOString(),
    ...classify({
      at: at.getTime(),
      status: row.status,
      failure: row.failure,
      actors: row.actors,
      actorsFailing: row.actorsFailing,
      version,
      ownAuthentication,
      control,
      othersOfSupplier,
    }),
  }));
}
