import { controls } from '../frameworks.rules.ts';
import { integrationOf, subjectOf, type Rule } from './finding.rules.ts';

/** Each side can stop a credential by itself, without waiting for the other's ticket. */
export const stopPathEachSide: Rule = {
  name: 'stop-path-each-side',
  title: 'Supplier and customer each hold a revocation path',
  severity: 'high',
  frameworks: controls('NHI3:2025', 'GV.SC-08', 'RS.MI-01', '5.26', 'CC7.4', '30(2)(f)'),
  find(facts, limits) {
    if (!limits.stopPathEachSide) return [];
    const sides = (['supplier', 'customer'] as const).map((role) => ({
      role,
      parties: facts.parties.filter((party) => party.roles.includes(role)),
    }));
    const absent = sides.filter(({ parties }) => parties.length === 0);
    if (absent.length > 0) {
      return absent.map(({ role }) => ({
        subject: { ...integrationOf(facts), id: `${facts.integration.id}/${role}` },
        message: `No party of this integration is its ${role}.`,
        mend: `Name the ${role} of this integration.`,
      }));
    }
    return facts.credentials.flatMap((credential) => {
      const holding = new Set(credential.paths.filter((path) => !path.retired).map((path) => path.partyId));
      // Without any path the worse finding stands already.
      if (holding.size === 0) return [];
      return sides
        .filter(({ parties }) => !parties.some((party) => holding.has(party.id)))
        .map(({ role, parties }) => ({
          subject: { ...subjectOf('credential', credential), id: `${credential.id}/${role}` },
          message: `The ${role}, ${parties.map((party) => party.name).join(', ')}, holds no path to stop ${credential.name}.`,
          mend: `Add a connection or a contact of the ${role} to the revocation paths of ${credential.name}.`,
        }));
    });
  },
  idle: (limits) => (limits.stopPathEachSide ? undefined : 'stopPathEachSide is false'),
};
