import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import type { LedgerInput } from '../ledger/ledger.service.ts';
import type { ExposedVersionRow, IncidentCredentialInput } from './acceptance.queries.ts';
import type { Group } from './exposed-groups.ts';

/** What the ledger says of an acceptance: each version that joined with what may be done about it, and each exposure. */
export function entriesOf(
  group: Group,
  joining: readonly ExposedVersionRow[],
  decided: readonly IncidentCredentialInput[],
  by: Principal,
  now: Millis,
): LedgerInput[] {
  const entries: LedgerInput[] = decided.map((one, n) => ({
    kind: joining[n]!.joined_match === null ? 'incident.credential-exposed' : 'incident.match-confirmed',
    subject: { kind: 'credential_version', id: one.version_id },
    by,
    at: now,
    facts: {
      incidentId: group.incidentId,
      credentialId: one.credential_id,
      batchId: group.batchId,
      match: one.match,
      authority: one.authority,
      mayAct: one.may_act,
      trust: one.source_trust,
    },
  }));
  for (const one of group.exposures) {
    entries.push({
      kind: 'exposure.accepted',
      subject: { kind: 'exposure', id: one.exposureId },
      by,
      at: now,
      facts: {
        reference: one.reference,
        incidentId: group.incidentId,
        match: one.match,
        versions: one.versions.map(({ versionId }) => versionId),
      },
    });
  }
  return entries;
}
