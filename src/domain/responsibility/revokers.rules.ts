import type { Id } from '../../kernel/ids.ts';
import { accountableFor, type MatrixRowFacts } from './matrix.rules.ts';

/** One credential as the matrix of one of its integrations answers for it. */
export interface RevokerUse {
  integrationId: Id;
  integrationName: string;
  rows: readonly MatrixRowFacts[];
}

export interface SharedCredential {
  credentialId: Id;
  name: string;
  environment: string;
  /** The integration that it belongs to: its row governs. */
  homeIntegrationId: Id;
  uses: readonly RevokerUse[];
}

/** Different matrices name different revokers for one credential: nobody knows who kills it. Blocks the gate. */
export interface RevokerConflict {
  credentialId: Id;
  name: string;
  /** Who the home integration's matrix names, or null where it names nobody for certain. */
  governingPartyId: Id | null;
  named: { integrationId: Id; integrationName: string; partyId: Id | null }[];
  mend: string;
}

/** The party that may revoke a shared credential, by the row that governs it; null where none does. */
export function governingRevoker(shared: SharedCredential): Id | null {
  const home = shared.uses.find(({ integrationId }) => integrationId === shared.homeIntegrationId);
  return home ? revokerIn(shared, home.rows) : null;
}

/** A single use, or several that agree, are no conflict. A matrix that names nobody is a gap of its own, and told there. */
export function conflictingRevokers(shared: SharedCredential): RevokerConflict | undefined {
  const named = shared.uses
    .filter(({ rows }) => rows.length > 0)
    .map(({ integrationId, integrationName, rows }) => ({
      integrationId,
      integrationName,
      partyId: revokerIn(shared, rows),
    }));
  const parties = new Set(named.map(({ partyId }) => partyId).filter((id) => id !== null));
  if (parties.size < 2) return undefined;
  return {
    credentialId: shared.credentialId,
    name: shared.name,
    governingPartyId: governingRevoker(shared),
    named,
    mend: `Put the row of the integration that the credential belongs to into each of the others as an override of revocation for ${shared.name}, and have every party sign it.`,
  };
}

function revokerIn(shared: SharedCredential, rows: readonly MatrixRowFacts[]): Id | null {
  // Of one duty alone: a matrix may have a row for each of many shared credentials.
  const revoking = rows.filter(({ duty }) => duty === 'revocation');
  const exposed = { credentialId: shared.credentialId, environment: shared.environment };
  return (
    accountableFor(exposed, { rows: revoking }).find(({ duty }) => duty === 'revocation')?.partyId ?? null
  );
}
