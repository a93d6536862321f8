import type { Cast } from './drive.ts';
import type { Sight } from './look.ts';
import { outcomeOf } from './outcome.rules.ts';
import type { ExposedFact, Facts, Outcome } from './outcome.rules.ts';
import { provableAt } from './portfolio/catalogue.ts';
import { runCli } from './processes.ts';
import type { Product } from './product.ts';
import type { Leak } from './story.ts';

const instant = (text: string | null): number | null => (text === null ? null : Date.parse(text));

/** Compares what the product says with what its suppliers and the mail server know. */
export async function judge(o: {
  cast: Cast;
  product: Product;
  leak: Leak;
  sight: Sight;
  env: NodeJS.ProcessEnv;
}): Promise<{ outcome: Outcome; broken: string[] }> {
  const { cast, leak, sight } = o;
  if (!sight.incident) throw new Error('there is no incident to judge');
  const truth = await cast.world.client.truth({ limit: 200_000 });
  const known = new Map(
    truth.suppliers.flatMap((supplier) =>
      supplier.credentials.map((one) => [`${supplier.supplier} ${one.id}`, one] as const),
    ),
  );
  const exposed = sight.exposed.map((one): ExposedFact => {
    const leaked = leak.leaked.find((each) => each.supplierId === one.supplierId);
    const supplier = leaked?.supplier ?? '';
    const book = known.get(`${supplier} ${one.supplierId ?? ''}`);
    return {
      label: leaked?.label ?? one.name,
      supplier,
      supplierId: one.supplierId ?? '',
      provable: provableAt(supplier),
      verifiedDead: one.liveness === 'dead',
      provenAt: instant(one.livenessAt),
      trulyLive: book ? book.state === 'live' : null,
    };
  });
  const everLeaked = new Set(
    cast.story.leaks.flatMap((each) => each.leaked.map((one) => `${one.supplier} ${one.supplierId}`)),
  );
  const wronglyDead = [...known]
    .filter(([key, one]) => one.state !== 'live' && !everLeaked.has(key))
    .map(([, one]) => `${one.id} of ${one.supplier}`);
  const mine = new Set(leak.leaked.map((one) => one.supplierId));
  const revocations = truth.suppliers
    .flatMap((supplier) => supplier.requests)
    .filter((request) => request.kind === 'revoke' && mine.has(request.credential ?? ''))
    .map((request) => request.at);
  const guids = new Set(leak.deliveries.map((one) => one.guid));
  const reports = truth.github.deliveries
    .filter((one) => guids.has(one.guid))
    .flatMap((one) => one.attempts.map((attempt) => attempt.at));
  const facts: Facts = {
    incident: {
      reference: sight.incident.reference,
      state: sight.incident.state,
      openedAt: Date.parse(sight.incident.openedAt),
    },
    leaked: leak.leaked,
    exposed,
    wronglyDead,
    locations: {
      total: sight.incident.counts.locations,
      cleared: sight.incident.counts.locationsCleared,
    },
    notices: sight.notices.map((one) => ({
      reference: one.reference,
      dueAt: instant(one.dueAt),
      sentAt: instant(one.acceptedAt),
      acknowledgedAt: instant(one.acknowledgedAt),
      timeliness: one.timeliness,
    })),
    reportedAt: reports.length > 0 ? Math.min(...reports) : null,
    firstRevocationAt: revocations.length > 0 ? Math.min(...revocations) : null,
    ledger: await verifyLedger(cast, o.env),
  };
  return outcomeOf(facts);
}

/** As an operator would: on the command line. */
async function verifyLedger(
  cast: Cast,
  env: NodeJS.ProcessEnv,
): Promise<{ entries: number; verified: boolean }> {
  try {
    const said = JSON.parse(await runCli(cast.entries.cli, ['ledger', 'verify', '--json'], env)) as {
      entries: number;
    };
    return { entries: said.entries, verified: true };
  } catch {
    return { entries: 0, verified: false };
  }
}
