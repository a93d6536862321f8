import { controls } from '../frameworks.rules.ts';
import { integrationOf, type Rule } from './finding.rules.ts';

/**
 * An integration holds no more connections open at once than the policy allows: neither by what was said of it, nor by the
 * credentials that it has in use, each of which is good for one at least.
 */
export const tooManyConnections: Rule = {
  name: 'too-many-connections',
  title: 'No integration holds more connections open at once than is allowed',
  severity: 'high',
  frameworks: controls('NHI5:2025', 'PR.AA-05', '5.18', 'CC6.3'),
  find(facts, { maxConnections: most }) {
    if (most === 'unlimited') return [];
    const { name, maxConnections: said } = facts.integration;
    const used = facts.credentials.filter(({ version }) => version !== null).length;
    return [
      ...(said != null && said > most
        ? [
            {
              subject: integrationOf(facts),
              message: `${name} holds up to ${said} connections open at once; the policy allows ${most}.`,
              mend: `Have ${name} hold at most ${most}, and say so; or split it into integrations that each need fewer.`,
            },
          ]
        : []),
      ...(used > most
        ? [
            {
              subject: { ...integrationOf(facts), id: `${facts.integration.id}/credentials` },
              message: `${name} has ${used} credentials in use at once, each good for a connection; the policy allows ${most}.`,
              mend: `Retire the credentials that ${name} does not need, until ${most} are left.`,
            },
          ]
        : []),
    ];
  },
  idle: ({ maxConnections }) =>
    maxConnections === 'unlimited' ? 'any number of connections is allowed' : undefined,
};
