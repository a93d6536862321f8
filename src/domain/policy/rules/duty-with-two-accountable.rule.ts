import { controls } from '../frameworks.rules.ts';
import { partyName } from '../facts.schema.ts';
import { matrixOf, words, type Rule } from './finding.rules.ts';

/** Two who answer for the same part of a duty are nobody who does: each waits for the other. */
export const dutyWithTwoAccountable: Rule = {
  name: 'duty-with-two-accountable',
  title: 'No part of a duty has two accountable parties',
  severity: 'critical',
  frameworks: controls('GV.SC-02', '5.20', 'CC9.2', '30(1)'),
  find(facts) {
    const parties = new Map<string, Set<string>>();
    for (const row of facts.matrix?.rows ?? []) {
      const key = JSON.stringify([row.duty, row.part, row.credentialId]);
      parties.set(key, (parties.get(key) ?? new Set()).add(row.accountablePartyId));
    }
    return [...parties]
      .filter(([, accountable]) => accountable.size > 1)
      .map(([key, accountable]) => {
        const [duty, part] = JSON.parse(key) as [string, string];
        const what = `${words(duty)}${part === '' ? '' : ` (${part})`}`;
        const names = [...accountable].map((id) => partyName(facts, id)).sort();
        return {
          subject: matrixOf(facts),
          message: `${names.join(' and ')} are both accountable for ${what}.`,
          mend: `Leave one of them accountable for ${what}, or split it into named parts.`,
        };
      });
  },
};
