import { controls } from '../frameworks.rules.ts';
import { subjectOf, type Rule } from './finding.rules.ts';

/** What fills a credential is on record: without it nobody knows when it was issued, nor when it ends. */
export const noActiveVersion: Rule = {
  name: 'no-active-version',
  title: 'What fills each credential is on record, with its expiry',
  severity: 'warning',
  frameworks: controls('NHI7:2025', 'ID.AM-04', 'PR.AA-01', '5.16', 'CC6.1'),
  find(facts) {
    return facts.credentials
      .filter(({ version }) => version === null)
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `Nothing is on record of what fills ${credential.name}: neither its issue nor its expiry.`,
        mend: `Record its version: the supplier's id, when it was issued and when it expires.`,
      }));
  },
};
