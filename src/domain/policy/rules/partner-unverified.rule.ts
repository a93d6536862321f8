import { controls } from '../frameworks.rules.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** Before anything is provisioned for a partner, somebody made sure that it is who it says. */
export const partnerUnverified: Rule = {
  name: 'partner-unverified',
  title: 'Each partner is verified',
  severity: 'warning',
  frameworks: controls('GV.SC-06', '5.19', 'CC9.2'),
  find(facts) {
    return facts.parties
      .filter((party) => party.roles.length > 0 && !party.operator && party.verifiedAt === null)
      .map((party) => ({
        subject: subjectOf('party', party),
        message: `Nobody has made sure that ${party.name} is who it says.`,
        mend: `Have a contact of ${party.name} whom you know confirm, or check its documents, and record the verification.`,
      }));
  },
};
