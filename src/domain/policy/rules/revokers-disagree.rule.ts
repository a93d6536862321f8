import { accountableFor } from '../../responsibility/matrix.rules.ts';
import { controls } from '../frameworks.rules.ts';
import { partyName } from '../facts.schema.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** One credential under several matrices has one revoker: where they name different ones, each waits for the other. */
export const revokersDisagree: Rule = {
  name: 'revokers-disagree',
  title: 'All matrices name the same revoker of a shared credential',
  severity: 'critical',
  frameworks: controls('NHI9:2025', 'GV.SC-02', '5.20', 'CC7.4', '30(1)'),
  find(facts) {
    const { matrix } = facts;
    if (!matrix) return [];
    return facts.credentials.flatMap((credential) => {
      const own = accountableFor(
        { credentialId: credential.id, environment: credential.environment },
        matrix,
      ).find(({ duty }) => duty === 'revocation')?.partyId;
      if (!own) return [];
      return credential.sharedWith
        .filter(({ revokerPartyId }) => revokerPartyId !== null && revokerPartyId !== own)
        .map((other) => ({
          subject: { ...subjectOf('credential', credential), id: `${credential.id}/${other.id}` },
          message: `${credential.name} is also used by ${other.name}, whose matrix makes another party revoke it.`,
          mend: `Let one row govern the revocation of ${credential.name}, and have every affected party sign it.`,
          places: [
            {
              where: `matrix of ${facts.integration.name}, revocation`,
              says: `${partyName(facts, own)} revokes ${credential.name}`,
            },
            {
              where: `matrix of ${other.name}, revocation`,
              says: `${partyName(facts, other.revokerPartyId!)} revokes ${credential.name}`,
            },
          ] as const,
        }));
    });
  },
};
