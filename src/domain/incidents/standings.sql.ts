import { STANDINGS, type Standing } from './mass-revocation.schema.ts';

/**
 * Where one version stands, over `v` (credential_version, may be null), `d` (its version_death) and the instant `$now`: the
 * first that is true. A death is the only proof; everything else is what it says and no more. Ends in an ELSE, so that
 * every row is counted once.
 */
export function standingSql(now: string): string {
  const stated = (kinds: string) =>
    `EXISTS (SELECT FROM statement t WHERE t.subject_kind = 'credential_version' AND t.subject_id = v.id AND t.kind IN (${kinds}))`;
  return `CASE
    WHEN v.id IS NULL THEN 'no_version'
    WHEN d.liveness = 'dead' THEN 'proven_dead'
    WHEN d.liveness = 'live' THEN 'seen_live'
    WHEN d.revocation = 'accepted' THEN 'revoked_unproven'
    WHEN d.revocation IN ('requested', 'rejected') THEN 'revoking'
    WHEN ${stated(`'revoked', 'replaced', 'not_affected'`)} THEN 'stated'
    WHEN EXISTS (SELECT FROM risk_acceptance r WHERE r.subject_id = v.id AND r.until > ${now}) THEN 'risk_accepted'
    WHEN v.phase = 'retired' THEN 'retired_unproven'
    WHEN v.expires_at <= ${now} THEN 'expired_unproven'
    ELSE 'untouched' END`;
}

/** Every standing with its count; those that nobody has stand at zero. */
export function standingsOf(rows: readonly { standing: Standing; n: number }[]): Record<Standing, number> {
  const counts = Object.fromEntries(STANDINGS.map((standing) => [standing, 0])) as Record<Standing, number>;
  for (const { standing, n } of rows) counts[standing] += n;
  return counts;
}
