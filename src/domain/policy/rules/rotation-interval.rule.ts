import { controls } from '../frameworks.rules.ts';
import { limitFor } from '../policy.schema.ts';
import { lengthWords, subjectOf, words, type Rule } from './finding.rules.ts';

/** The active version of a credential is not older than the policy's interval for its kind. */
export const rotationInterval: Rule = {
  name: 'rotation-interval',
  title: 'Credentials are rotated in time',
  severity: 'high',
  frameworks: controls('NHI7:2025', 'PR.AA-01', '5.17', 'CC6.1'),
  find(facts, limits, now) {
    return facts.credentials.flatMap((credential) => {
      const every = limitFor(limits.rotateEvery, credential.kind);
      const { version } = credential;
      if (every === null || version === null) return [];
      const from = version.activatedAt ?? version.issuedAt;
      const subject = subjectOf('credential', credential);
      const mend = `Rotate ${credential.name}.`;
      if (from === null)
        return [{ subject, message: `It is not known since when ${credential.name} is in use.`, mend }];
      if (now - from <= every) return [];
      return [
        {
          subject,
          message: `${credential.name} is ${lengthWords(now - from)} old; ${words(credential.kind)} is to be rotated every ${lengthWords(every)}.`,
          mend,
        },
      ];
    });
  },
  idle: ({ rotateEvery: { any, kinds } }) =>
    any === 'never' && Object.values(kinds).every((one) => one === 'never')
      ? 'no rotation is asked for'
      : undefined,
};
