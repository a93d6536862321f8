import { findMass, whoBreaks } from '../domain/incidents/mass-revocation.queries.ts';
import type { MassDetail } from '../domain/incidents/mass-revocation.schema.ts';
import { ValuesAtHand } from '../domain/revocation/values-at-hand.service.ts';
import { Refused, refusal } from '../kernel/errors.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { print, withApp, type AddCommand } from './command.ts';

export const addMass: AddCommand = (program) => {
  const mass = program.command('mass').description('credentials revoked together');
  mass
    .command('show')
    .description('say what a mass revocation holds, who breaks, and how far it is; changes nothing')
    .argument('<reference>', 'MRV-2026-0001')
    .option('--json', 'print one JSON object', false)
    .action(async (reference: string, { json }: { json: boolean }) => {
      await withApp(async (app, by) => {
        const detail = await app.get(Transactions).run(by, async (db): Promise<MassDetail> => {
          const found = await findMass(db, { reference }, app.get(Clock).now());
          if (!found)
            throw new Refused(
              refusal('not_found', 'no-mass-revocation', `There is no mass revocation ${reference}.`),
            );
          return { ...found, whoBreaks: await whoBreaks(db, found, app.get(ValuesAtHand)) };
        });
        if (json) print(JSON.stringify(detail));
        else for (const line of massLines(detail)) print(line);
      });
    });
};

/** What a terminal shows of one. */
export function massLines({ whoBreaks: breaks, ...mass }: MassDetail): string[] {
  const { decisions, valueless } = breaks;
  const standings = Object.entries(mass.standings).filter(([, n]) => n > 0);
  return [
    `${mass.reference}  ${mass.state}${mass.force ? ', forced' : ''}  ${mass.versions} versions of ${breaks.credentials} credentials`,
    ...standings.map(([standing, n]) => `  ${n} ${standing.replaceAll('_', ' ')}`),
    ...leftLines(mass),
    ...(mass.toStart > 0 ? [`  ${mass.toStart} of them still to start`] : []),
    `revoked at once: ${decisions.act}; wait for an approval: ${decisions.approve}; for a replacement: ${decisions.replace_first}`,
    ...breaks.integrations.map(
      (one) => `breaks ${one.reference} ${one.name} (${one.state}), by ${one.credentials} of them`,
    ),
    ...(valueless.versions === 0
      ? []
      : [
          `will need a person, as their value is not kept here: ${valueless.versions}`,
          ...valueless.listed.map(
            (one) =>
              `  ${one.reference} ${one.name}, version ${one.version}: to ${one.neededFor.replaceAll('_', ' ')}`,
          ),
        ]),
    ...breaks.unknown.map((one) => `not known: ${one}`),
  ];
}

/** What is left to approve of a draft, where others killed part of it. */
function leftLines({ state, left, versions }: Omit<MassDetail, 'whoBreaks'>): string[] {
  if (state === 'overtaken')
    return ['  every version is proven dead: nothing is left to do, and nobody has to approve it'];
  return state === 'draft' && left < versions
    ? [`  ${left} left to revoke: whoever approves it approves ${left}`]
    : [];
}
