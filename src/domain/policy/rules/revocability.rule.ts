import { REVOCABILITY } from '../../credentials/credential.schema.ts';
import { controls } from '../frameworks.rules.ts';
import { subjectOf, words, type Rule } from './finding.rules.ts';

/** How a credential can be revoked is one of the ways that the policy takes. */
export const revocability: Rule = {
  name: 'revocability',
  title: 'Credentials can be revoked as the policy asks',
  severity: 'high',
  frameworks: controls('NHI7:2025', 'RS.MI-01', '5.17', 'CC6.2', '28(8)'),
  find(facts, limits) {
    const allowed = limits.revocability.map(words).join(', ') || 'nothing';
    return facts.credentials
      .filter((credential) => !limits.revocability.includes(credential.revocability))
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `The revocability of ${credential.name} is ${words(credential.revocability)}; the policy takes ${allowed}.`,
        mend: `Use a kind of credential that can be revoked, or agree with its issuer on a way to revoke ${credential.name}.`,
      }));
  },
  idle: (limits) =>
    REVOCABILITY.every((one) => limits.revocability.includes(one))
      ? 'it takes every revocability'
      : undefined,
};
