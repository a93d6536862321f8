import { MINUTE, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { CONTROL_WINDOW } from './death.rules.ts';
import type { DeathRow } from './death-rows.queries.ts';
import type { RevocationCall } from './probing.service.ts';
import type { RevokeResult } from './revocation-results.ts';
import { knownBefore } from './sightings.queries.ts';
import type { LoadedVersion } from './targets.service.ts';
import { OWN_AUTHENTICATION_TRIES } from './ways.rules.ts';

export type RevokePlan =
  | { go: 'answer'; result: RevokeResult }
  /** The way in use cannot be gone; where no other machine can be used, this is the answer. */
  | { go: 'unusable'; why: string; result: RevokeResult }
  | { go: 'look_first' }
  | { go: 'send' };

/**
 * What comes before a request: an answer that is known already, a look, or nothing.
 *
 * @param facts.obstacle  why no machine can look by the way in use; null: one can
 */
export async function planRevoke(
  db: Db,
  loaded: LoadedVersion,
  death: DeathRow,
  call: RevocationCall,
  facts: { obstacle: string | null; now: Millis },
): Promise<RevokePlan> {
  const answer = (result: RevokeResult) => ({ go: 'answer' as const, result });
  const { path, version } = loaded;
  const { given, look } = await knownBefore(db, {
    versionId: version.id,
    idempotencyKey: call.idempotencyKey,
  });
  if (given)
    return answer({
      outcome: given.outcome,
      evidence: [given.id],
      note: 'the supplier had answered already',
    });
  if (death.liveness === 'dead' && death.livenessEvidenceId) {
    return answer({
      outcome: 'already_dead',
      evidence: [death.livenessEvidenceId],
      note: 'it was proven dead before',
    });
  }
  const person = (forWhat: string) =>
    answer({ outcome: 'person', forWhat, contactId: version.contactId, evidence: [] });
  if (!path) {
    const why = loaded.problems.join('; ');
    const asked = person(`Revoke ${version.label} by hand: ${why}.`);
    return loaded.way?.connectionId == null ? asked : { ...asked, go: 'unusable', why };
  }
  if (version.revocability === 'expiry_only' || version.revocability === 'impossible') {
    const expires = version.expiresAt ? ` It expires at ${version.expiresAt.toISOString()}.` : '';
    return person(
      `${version.label} cannot be revoked.${expires} Stop its use at the verifier, or accept the risk.`,
    );
  }
  if (path.abilities.revoke === 'value' && !path.target.value) {
    const why = 'its value, which its supplier wants to be told, is not at hand';
    return { ...person(`Revoke ${version.label} by hand: ${why}.`), go: 'unusable', why };
  }
  if (path.abilities.revoke === 'no') return { go: 'send' };
  if (death.ownAuthenticationFailures >= OWN_AUTHENTICATION_TRIES && repeated(call)) {
    return person(mendAuthentication(version.label));
  }
  if (facts.obstacle !== null) {
    // Without a look nobody knows whether the last one worked, and a supplier is not asked twice blindly.
    if (death.revokeSentAt === null) return { go: 'send' };
    const why = 'it was asked for, the answer was lost, and no machine can look';
    return { ...person(`Find out whether ${version.label} was revoked: ${why}.`), go: 'unusable', why };
  }
  const lookedAt = look?.at ?? null;
  const unlooked = death.revokeSentAt !== null && (lookedAt === null || lookedAt <= death.revokeSentAt);
  // Without a canary only a sighting just before the revoke can prove a death later.
  const fresh =
    look?.outcome === 'live' &&
    look.path === path.pathKey &&
    lookedAt !== null &&
    facts.now - lookedAt < CONTROL_WINDOW - MINUTE;
  const sightingNeeded = !path.control && path.abilities.ownAuthentication && !fresh;
  return { go: call.takenOver || unlooked || sightingNeeded ? 'look_first' : 'send' };
}

/** What the last request by the way in use came to. */
export async function lastWhy(db: Db, { version, way }: LoadedVersion): Promise<string> {
  const [row] = await db.query<{ why: string }[]>(
    `SELECT why FROM evidence WHERE version_id = $1 AND kind = 'revoke' AND connection_id = $2 ORDER BY started_at DESC, id DESC LIMIT 1`,
    [version.id, way?.connectionId ?? null],
  );
  return row?.why ?? '';
}

/** Whether this way was tried before, in this family of tries. */
function repeated(call: RevocationCall): boolean {
  return call.tries ? call.tries.failed > 0 : call.attempt > 1;
}

export function mendAuthentication(label: string): string {
  return `Mend our own authentication at the supplier, then try again: it was refused while revoking ${label}.`;
}
