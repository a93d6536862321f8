import { conclusionOf } from './conclusion.rules.ts';
import type { CopyFact, NoticeFacts } from './conclusion.rules.ts';
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
  display.say('');
  const copies = await copiesOf(o.product, o.sight);
  const notices = o.sight.notices.map((one): NoticeFacts => ({
    sent: one.acceptedAt !== null,
    acknowledged: one.acknowledgedAt !== null,
    toBeAcknowledged: one.fulfilledBy === 'acknowledged',
    contact: one.contact,
  }));
  for (const sentence of conclusionOf(outcome, notices, copies)) display.say(sentence);
  for (const line of await openLines(o.product, o.sight)) display.say(line, 'open');
  for (const sentence of broken) display.say(sentence, 'error');
  display.say(`Took ${((Date.now() - o.begun) / 1000).toFixed(1)} s in all.`);
}

/** How each copy of what was exposed stands. */
async function copiesOf(product: Product, sight: Sight): Promise<CopyFact[]> {
  if (!sight.incident) return [];
  const rows = await product.all<{ locationId: string; versionId: string; verdict: string | null }>(
    `/api/v1/incidents/${sight.incident.id}/locations?limit=200`,
    'locations',
  );
  const asked = new Set(
    leftOver(sight.steps)
      .filter((step) => step.uses === 'check-location')
      .map((step) => step.item?.subject.id),
  );
  const dead = new Set(
    sight.exposed.filter((one) => one.liveness === 'dead').map(({ versionId }) => versionId),
  );
  return rows.map(({ locationId, versionId, verdict }) => ({
    verdict,
    asked: asked.has(locationId),
    alive: !dead.has(versionId),
  }));
}

/** What nobody out there will answer: each unproven credential, with whose it is. */
async function openLines(product: Product, sight: Sight): Promise<string[]> {
  const left = leftOver(sight.steps);
  const lines: string[] = [];
  for (const one of sight.scene.credentials.filter((each) => each.stage === 'unproven')) {
    const step = left.find((each) => each.forWhat === one.detail);
    const owner = step ? await ownerOf(product, step) : 'nobody';
    const clock = one.dueAt === null ? '' : ` ${countdown(one.dueAt - Date.now())} left.`;
    lines.push(`${one.label} (${one.supplier}) is unproven. Owner: ${owner}.${clock} ${one.detail}`);
  }
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
