import { controls } from '../frameworks.rules.ts';
import { contactOf } from '../facts.schema.ts';
import { type Rule } from './finding.rules.ts';

/** Agreement and runbook say the same: a runbook writes to nobody whom the agreement does not name. */
export const runbookNotifiesUnnamed: Rule = {
  name: 'runbook-notifies-unnamed',
  title: 'Runbooks write only to those whom the agreement names',
  severity: 'high',
  frameworks: controls('GV.SC-08', 'RS.CO-03', '5.26', 'CC2.3', '30(1)'),
  find(facts) {
    const { agreement } = facts;
    if (!agreement) return [];
    const named = new Set(
      agreement.terms
        .flatMap((term) => term.recipients)
        .map((id) => contactOf(facts, id)?.email?.toLowerCase()),
    );
    return facts.runbooks.flatMap((runbook) =>
      runbook.addresses
        .filter(({ address }) => !named.has(address.toLowerCase()))
        .map(({ step, address }) => ({
          subject: { kind: 'runbook' as const, id: `${runbook.id}/${step}`, name: runbook.title },
          // Decisions are kept for ever; an address in full is personal data.
          message: `The step ${step} of ${runbook.title} writes to an address at ${domainOf(address)} that ${agreement.title} does not name.`,
          mend: `Name the recipient in a term of ${agreement.title}, or take the address out of the step ${step}.`,
          places: [
            { where: agreement.title, says: 'names other recipients' },
            {
              where: `runbook ${runbook.id}, step ${step}`,
              says: `writes to an address at ${domainOf(address)}`,
            },
          ] as const,
        })),
    );
  },
};

function domainOf(address: string): string {
  return address.slice(address.lastIndexOf('@') + 1);
}
