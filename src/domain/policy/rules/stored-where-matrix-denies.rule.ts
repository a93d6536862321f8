import { controls } from '../frameworks.rules.ts';
import { partyName } from '../facts.schema.ts';
import { subjectOf, words, type Rule } from './finding.rules.ts';

/** Matrix and inventory say the same: copies lie only with parties that the matrix makes store them. */
export const storedWhereMatrixDenies: Rule = {
  name: 'stored-where-matrix-denies',
  title: 'Copies lie with parties that the matrix makes store them',
  severity: 'high',
  frameworks: controls('NHI2:2025', 'GV.SC-02', '5.19', 'CC6.1', '29(2)'),
  find(facts) {
    const { matrix } = facts;
    if (!matrix) return [];
    return facts.credentials.flatMap((credential) => {
      const storing = matrix.rows.filter(
        (row) =>
          (row.duty === 'storage' || row.duty === 'distribution') &&
          (row.credentialId === null || row.credentialId === credential.id),
      );
      if (storing.length === 0) return [];
      const allowed = new Set(storing.flatMap((row) => [row.accountablePartyId, ...row.performingPartyIds]));
      return credential.locations
        .filter(({ partyId }) => !allowed.has(partyId))
        .map((location) => ({
          subject: subjectOf('location', location),
          message: `A copy of ${credential.name} lies with ${partyName(facts, location.partyId)}, which the matrix does not let store it.`,
          mend: `Have ${partyName(facts, location.partyId)} remove its copy, or make it a storing party and have the matrix signed again.`,
          places: [
            {
              where: `matrix ${matrix.number}, storage`,
              says: [...allowed]
                .map((id) => partyName(facts, id))
                .sort()
                .join(', '),
            },
            {
              where: `location ${location.name} (${words(location.kind)})`,
              says: `belongs to ${partyName(facts, location.partyId)}`,
            },
          ] as const,
        }));
    });
  },
};
