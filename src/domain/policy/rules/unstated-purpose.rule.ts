import { controls } from '../frameworks.rules.ts';
import { integrationOf, subjectOf, type Rule } from './finding.rules.ts';

/** Without a purpose nobody can say which scope, lifetime or copy is too much. */
export const unstatedPurpose: Rule = {
  name: 'unstated-purpose',
  title: 'The integration and its credentials have a purpose',
  severity: 'warning',
  frameworks: controls('NHI5:2025', 'ID.AM-04', '5.18', 'CC6.3'),
  find(facts) {
    const found = facts.credentials
      .filter(({ purpose }) => purpose.trim() === '')
      .map((credential) => ({
        subject: subjectOf('credential', credential),
        message: `${credential.name} has no stated purpose.`,
        mend: `Write in one sentence what ${credential.name} is for.`,
      }));
    if (facts.integration.purpose.trim() !== '') return found;
    return [
      {
        subject: integrationOf(facts),
        message: 'The integration has no stated purpose.',
        mend: 'Write in one sentence what it is for.',
      },
      ...found,
    ];
  },
};
