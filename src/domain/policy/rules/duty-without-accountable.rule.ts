import { DUTIES } from '../../responsibility/matrix.rules.ts';
import { controls } from '../frameworks.rules.ts';
import { matrixOf, words, type Rule, type RuleFinding } from './finding.rules.ts';

/** Every duty, or each part of it, has an accountable party, and somebody performs it. */
export const dutyWithoutAccountable: Rule = {
  name: 'duty-without-accountable',
  title: 'Each duty has an accountable party and one that performs it',
  severity: 'critical',
  frameworks: controls('NHI3:2025', 'GV.SC-02', '5.19', '5.20', 'CC9.2', '30(1)'),
  find(facts) {
    if (!facts.matrix) return [];
    const { rows } = facts.matrix;
    const open = DUTIES.filter(
      (duty) => !rows.some((row) => row.duty === duty && row.credentialId === null),
    ).map((duty): RuleFinding => ({
      subject: matrixOf(facts),
      message: `No party is accountable for ${words(duty)}.`,
      mend: `Name the party accountable for ${words(duty)} and who performs it.`,
    }));
    const idle = rows
      .filter((row) => row.performingPartyIds.length === 0)
      .map((row): RuleFinding => {
        const what = `${words(row.duty)}${row.part === '' ? '' : ` (${row.part})`}`;
        return {
          subject: matrixOf(facts),
          message: `No party performs ${what}.`,
          mend: `Name at least one party that performs ${what}.`,
        };
      });
    return [...open, ...idle];
  },
};
