import type { GateFacts } from '../policy/facts.schema.ts';
import { manifestMatrixHash } from './manifest-facts.rules.ts';

/** How recorded facts name the things of a manifest: by their keys. */
function byKeys(recorded: GateFacts): GateFacts {
  const keys = new Map<string, string>();
  const note = ({ id, key }: { id: string; key: string | null }) => {
    if (key !== null) keys.set(id, key);
  };
  note(recorded.integration);
  for (const party of recorded.parties) {
    note(party);
    party.contacts.forEach(note);
  }
  recorded.credentials.forEach(note);
  return JSON.parse(JSON.stringify(recorded), (_, value: unknown) =>
    typeof value === 'string' ? (keys.get(value) ?? value) : value,
  ) as GateFacts;
}

/**
 * A proposed integration with the evidence that a server has on record. What the manifest declares is put aside: a
 * signature counts for the matrix that was signed, a drill for the path that was tried, a confirmation for its contact.
 */
export function withRecorded(proposed: GateFacts, recordedFacts: GateFacts): GateFacts {
  const recorded = byKeys(recordedFacts);
  const { matrix } = proposed;
  const same =
    matrix !== null &&
    recorded.matrix !== null &&
    manifestMatrixHash('', matrix.rows) === manifestMatrixHash('', recorded.matrix.rows);
  const verified = new Map(recorded.parties.map((party) => [party.id, party.verifiedAt]));
  const confirmed = new Map(
    recorded.parties.flatMap((party) => party.contacts.map((one) => [one.id, one.confirmedAt] as const)),
  );
  return {
    ...proposed,
    accessReviews: recorded.accessReviews,
    ...(recorded.controls ? { controls: recorded.controls } : {}),
    integration: {
      ...proposed.integration,
      state: recorded.integration.state,
      reference: recorded.integration.reference,
      maxConnections: recorded.integration.maxConnections ?? null,
    },
    parties: proposed.parties.map((party) => ({
      ...party,
      verifiedAt: verified.get(party.id) ?? null,
      contacts: party.contacts.map((one) => ({ ...one, confirmedAt: confirmed.get(one.id) ?? null })),
    })),
    // An edited matrix is one that nobody has signed.
    matrix: matrix && (same ? { ...recorded.matrix!, rows: matrix.rows } : { ...matrix, attestations: [] }),
    agreement: proposed.agreement ?? recorded.agreement,
    credentials: proposed.credentials.map((credential) => {
      const known = recorded.credentials.find((one) => one.id === credential.id);
      return {
        ...credential,
        version: credential.version ?? known?.version ?? null,
        scopes: credential.scopes.map((scope) => ({
          ...scope,
          consent: known?.scopes.find(({ name }) => name === scope.name)?.consent ?? null,
        })),
        sharedWith: [
          ...credential.sharedWith,
          ...(known?.sharedWith ?? []).filter(
            (other) => !credential.sharedWith.some((one) => one.id === other.id),
          ),
        ],
        sameValueAs: [
          ...credential.sameValueAs,
          ...(known?.sameValueAs ?? []).filter(
            (other) => !credential.sameValueAs.some((one) => one.id === other.id),
          ),
        ],
        paths: credential.paths.map((path) => ({
          ...path,
          lastDrill:
            known?.paths.find(
              (one) => one.kind === path.kind && one.partyId === path.partyId && one.label === path.label,
            )?.lastDrill ?? null,
        })),
      };
    }),
  };
}

/** What of the evidence is on record, and what is only declared. */
export function originsOf(facts: GateFacts): { kind: string; id: string; origin: 'recorded' | 'declared' }[] {
  return [
    ...(facts.matrix?.attestations ?? []).map(({ id, origin }) => ({ kind: 'attestation', id, origin })),
    ...facts.credentials.flatMap(({ paths }) =>
      paths.flatMap(({ lastDrill }) =>
        lastDrill ? [{ kind: 'drill', id: lastDrill.id, origin: lastDrill.origin }] : [],
      ),
    ),
  ];
}
