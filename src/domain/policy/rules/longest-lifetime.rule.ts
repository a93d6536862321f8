import { controls } from '../frameworks.rules.ts';
import { limitFor } from '../policy.schema.ts';
import { lengthWords, subjectOf, words, type Rule } from './finding.rules.ts';

/** A credential ends, and not later after its issue than the policy allows for its kind. */
export const longestLifetime: Rule = {
  name: 'longest-lifetime',
  title: 'Credentials expire in time',
  severity: 'high',
  frameworks: controls('NHI7:2025', 'PR.AA-01', '5.17', 'CC6.1'),
  find(facts, limits) {
    return facts.credentials.flatMap((credential) => {
      const longest = limitFor(limits.longestLifetime, credential.kind);
      const { version } = credential;
      if (longest === null || version === null) return [];
      const subject = subjectOf('credential', credential);
      const allowed = `${lengthWords(longest)} for ${words(credential.kind)}`;
      const mend = `Issue ${credential.name} again with an expiry of at most ${allowed}.`;
      if (version.expiresAt === null)
        return [
          { subject, message: `${credential.name} never expires; the policy allows ${allowed}.`, mend },
        ];
      const from = version.issuedAt ?? version.activatedAt;
      if (from === null)
        return [
          {
            subject,
            message: `It is not known when ${credential.name} was issued.`,
            mend: `Record when version ${version.number} of ${credential.name} was issued.`,
          },
        ];
      const lives = version.expiresAt - from;
      if (lives <= longest) return [];
      return [
        {
          subject,
          message: `${credential.name} lives for ${lengthWords(lives)}; the policy allows ${allowed}.`,
          mend,
        },
      ];
    });
  },
  idle: ({ longestLifetime: { any, kinds } }) =>
    any === 'never' && Object.values(kinds).every((one) => one === 'never')
      ? 'no lifetime is limited'
      : undefined,
};
