import { countdown } from './display.ts';
import type { Display } from './display.ts';
import type { Sight } from './look.ts';
import type { Outcome } from './outcome.rules.ts';
import type { Product } from './product.ts';
import { leftOver } from './scene.rules.ts';
import type { StepFact } from './scene.rules.ts';

/** Tells how it ended: the figures, and what is left open, whose it is, and until when. */
export async function conclude(o: {
  display: Display;
  product: Product;
  outcome: Outcome;
  broken: readonly string[];
  sight: Sight;
  begun: number;
}): Promise<void> {
  const { display, outcome, broken } = o;
  display.settle();
  const { credentials, notices, locations, milliseconds: ms, ledger, incident } = outcome;
  const took = (value: number | null): string =>
    value === null ? 'never' : `${(value / 1000).toFixed(2)} s`;
  display.say('');
  display.say(
    `${incident.reference} is ${incident.state}: ${credentials.verifiedDead} of ${credentials.exposed} credentials proven dead, ${credentials.unproven} unproven.`,
  );
  display.say(
    `Notices: ${notices.owed} owed, ${notices.sentInWindow} sent in their window, ${notices.acknowledged} acknowledged, ${notices.missed} missed. Copies: ${locations.cleared} of ${locations.total} cleared.`,
  );
  display.say(
    `From the first report: incident after ${took(ms.reportToIncident)}, first revocation after ${took(ms.reportToFirstRevocation)}, all that can be proven dead after ${took(ms.reportToAllProvableDead)}, last notice after ${took(ms.reportToLastNotice)}.`,
  );
  display.say(`Ledger: ${ledger.entries} entries, ${ledger.verified ? 'verified' : 'NOT verified'}.`);
  for (const line of await openLines(o.product, o.sight)) display.say(line, 'open');
  for (const sentence of broken) display.say(sentence, 'error');
  display.say(`Took ${((Date.now() - o.begun) / 1000).toFixed(1)} s in all.`);
}

/** What nobody out there will answer: each unproven credential by itself, the rest counted. */
async function openLines(product: Product, sight: Sight): Promise<string[]> {
  const left = leftOver(sight.steps);
  const lines: string[] = [];
  for (const one of sight.scene.credentials.filter((each) => each.stage === 'unproven')) {
    const step = left.find((each) => each.forWhat === one.detail);
    const owner = step ? await ownerOf(product, step) : 'nobody';
    const clock = one.dueAt === null ? '' : ` ${countdown(one.dueAt - Date.now())} left.`;
    lines.push(`${one.label} (${one.supplier}) is unproven. Owner: ${owner}.${clock} ${one.detail}`);
  }
  const waiting = left.filter((step) => step.uses === 'await-acknowledgement');
  if (waiting.length > 0) {
    const whom = new Set(
      waiting.map(
        (step) => sight.notices.find((one) => one.id === step.item?.subject.id)?.contact ?? 'somebody',
      ),
    );
    lines.push(`${waiting.length} notices wait for an acknowledgement by ${[...whom].join(', ')}.`);
  }
  const copies = left.filter((step) => step.uses === 'check-location');
  if (copies.length > 0)
    lines.push(`${copies.length} copies wait for somebody to remove them and sign for it.`);
  return lines;
}

async function ownerOf(product: Product, step: StepFact): Promise<string> {
  const { contactId, role } = step.owner;
  const contact =
    contactId === null
      ? null
      : await product.get<{ name: string }>(`/api/v1/contacts/${contactId}`).catch(() => null);
  return contact?.name ?? (role === null ? 'nobody' : `the role ${role}`);
}
