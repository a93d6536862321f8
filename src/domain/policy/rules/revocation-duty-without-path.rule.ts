import { accountableFor } from '../../responsibility/matrix.rules.ts';
import { controls } from '../frameworks.rules.ts';
import { partyName } from '../facts.schema.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** Matrix and inventory say the same: whoever has to revoke a credential has a path to do it. */
export const revocationDutyWithoutPath: Rule = {
  name: 'revocation-duty-without-path',
  title: 'Whoever has to revoke has a path to do it',
  severity: 'high',
  frameworks: controls('NHI3:2025', 'GV.SC-08', 'RS.MI-01', '5.26', 'CC7.4', '30(1)'),
  find(facts) {
    const { matrix } = facts;
    if (!matrix) return [];
    return facts.credentials.flatMap((credential) => {
      const paths = credential.paths.filter((path) => !path.retired);
      if (paths.length === 0) return [];
      const duty = accountableFor(
        { credentialId: credential.id, environment: credential.environment },
        matrix,
      ).find((one) => one.duty === 'revocation');
      if (!duty?.partyId) return [];
      const able = new Set([duty.partyId, ...duty.performingPartyIds]);
      if (paths.some((path) => able.has(path.partyId))) return [];
      const who = [...able]
        .map((id) => partyName(facts, id))
        .sort()
        .join(', ');
      return [
        {
          subject: subjectOf('credential', credential),
          message: `The matrix makes ${who} revoke ${credential.name}, and none of its revocation paths is theirs.`,
          mend: `Add a revocation path of ${who} to ${credential.name}, or give the duty to whoever has one.`,
          places: [
            { where: `matrix ${matrix.number}, revocation`, says: `${who} revokes` },
            {
              where: `revocation paths of ${credential.name}`,
              says: [...new Set(paths.map((path) => partyName(facts, path.partyId)))].sort().join(', '),
            },
          ] as const,
        },
      ];
    });
  },
};
