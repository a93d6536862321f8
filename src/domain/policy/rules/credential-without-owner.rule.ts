import { controls } from '../frameworks.rules.ts';
import { contactOf } from '../facts.schema.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** Each credential has somebody who looks after it: its own owner, who is still there. */
export const credentialWithoutOwner: Rule = {
  name: 'credential-without-owner',
  title: 'Each credential has an owner',
  severity: 'high',
  frameworks: controls('NHI1:2025', 'PR.AA-01', '5.16', '5.17', 'CC6.1'),
  find(facts) {
    return facts.credentials
      .filter(({ ownerContactId }) => ownerContactId === null || !contactOf(facts, ownerContactId)?.active)
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `Nobody who is still active owns ${credential.name}.`,
        mend: `Name an active contact as the owner of ${credential.name}.`,
      }));
  },
};
