import { randomBytes, randomUUID } from 'node:crypto';
import type { WorldClient } from '../client.ts';
import type { Issued } from '../suppliers/supplier.ts';
import { SHARED, SUPPLIERS, SUPPLIER_FACTS, issuedFor, leakOf } from './portfolio/catalogue.ts';
import type { CredentialFacts } from './portfolio/catalogue.ts';
import type { Leak, PlannedDelivery, StoryVersion } from './story.ts';

export const OWNER = 'brightwater-retail';

const REPOSITORIES = ['storefront-config', 'fulfilment-scripts', 'data-platform', 'mobile-release'];

/** Each leak happens in repositories of its own: what is found in one place belongs together. */
export function repositoriesOf(leak: number): { main: string; witness: string; unrelated: string } {
  const round = Math.floor((leak - 1) / REPOSITORIES.length) + 1;
  const suffix = leak === 1 ? '' : `-${leak}`;
  return {
    main: `${REPOSITORIES[(leak - 1) % REPOSITORIES.length]}${round === 1 ? '' : `-${round}`}`,
    witness: `deploy-notes${suffix}`,
    unrelated: `training-examples${suffix}`,
  };
}

export interface Staged {
  leak: Leak;
  versions: StoryVersion[];
}

/**
 * Has real credentials issued and raises an alert for each that leaks. From here on the code host holds the values,
 * sealed; nothing of them outlives this call here.
 */
export async function stageLeak(
  world: WorldClient,
  number: number,
  before: readonly StoryVersion[],
): Promise<Staged> {
  const issued = await issueAll(world, number);
  const repos = repositoriesOf(number);
  const leaking = leakOf(number);
  const deliveries: PlannedDelivery[] = [];
  const plan = (
    more: Omit<PlannedDelivery, 'guid' | 'event' | 'location' | 'again'> & Partial<PlannedDelivery>,
  ): void => {
    deliveries.push({
      guid: randomUUID(),
      event: 'secret_scanning_alert',
      location: 0,
      again: false,
      ...more,
    });
  };

  for (const [at, one] of leaking.entries()) {
    const { value } = issuedOf(issued, one);
    const places = 1 + (at % 3);
    const alert = await world.raiseAlert({
      owner: OWNER,
      repo: repos.main,
      secret: value,
      secretType: SUPPLIER_FACTS[one.supplier].type,
      secretTypeName: `${SUPPLIER_FACTS[one.supplier].name} ${SUPPLIER_FACTS[one.supplier].verb}`,
      validity: 'active',
      publiclyLeaked: at === 0,
      locations: Array.from({ length: places }, (_, nth) => ({
        type: nth === 2 ? 'issue_body' : 'commit',
        path: `config/${one.integration.key}${nth === 0 ? '' : `.${nth}`}.env`,
        line: 7 + 3 * at + nth,
      })),
    });
    const withSecret = at % 2 === 0;
    const base = { repo: repos.main, number: alert.number };
    const how = withSecret ? '' : ', without its value';
    plan({ ...base, withSecret, again: at === 0, what: `${one.name}${how}` });
    if (at === 1 || at === 5) {
      plan({
        ...base,
        event: 'secret_scanning_alert_location',
        location: 1,
        withSecret: false,
        what: `${one.name}: found in another place`,
      });
    }
  }

  const witnessed = leaking.find((one) => one.key === SHARED) ?? leaking[0];
  if (!witnessed) throw new Error('nothing leaks');
  const second = await world.raiseAlert({
    owner: OWNER,
    repo: repos.witness,
    secret: issuedOf(issued, witnessed).value,
    secretType: 'generic_api_key',
    locations: [{ type: 'pull_request_comment', line: 41 }],
  });
  plan({
    repo: repos.witness,
    number: second.number,
    withSecret: false,
    what: `${witnessed.name}: a second witness`,
  });
  const unrelated = await world.raiseAlert({
    owner: OWNER,
    repo: repos.unrelated,
    secret: `trn_${randomBytes(24).toString('base64url')}`,
    secretType: 'generic_api_key',
    locations: [{ path: 'exercises/lesson-4.md', line: 12 }],
  });
  plan({
    repo: repos.unrelated,
    number: unrelated.number,
    withSecret: true,
    what: 'something that matches nothing',
  });

  return {
    leak: {
      number,
      repo: repos.main,
      leaked: leaking.map((one) => ({
        credential: one.key,
        label: one.name,
        supplier: one.supplier,
        supplierId: issuedOf(issued, one).id,
      })),
      deliveries,
      imported: false,
      over: false,
    },
    versions: [...issued].map(([credential, one]) => ({
      credential,
      number: 1 + before.filter((version) => version.credential === credential).length,
      supplierId: one.id,
      sha256: one.sha256,
      issuedAt: new Date().toISOString(),
    })),
  };
}

async function issueAll(world: WorldClient, leak: number): Promise<Map<string, Issued>> {
  const issued = new Map<string, Issued>();
  for (const supplier of SUPPLIERS) {
    const { account, sessions } = SUPPLIER_FACTS[supplier];
    const wanted = issuedFor(leak).filter((one) => one.supplier === supplier);
    const answers = await world.issue({
      supplier,
      account,
      sessions,
      count: wanted.length,
      label: `Brightwater Retail ${leak}`,
    });
    for (const [at, one] of wanted.entries()) {
      const answer = answers[at];
      if (!answer)
        throw new Error(`${SUPPLIER_FACTS[supplier].name} issued ${answers.length} of ${wanted.length}`);
      issued.set(one.key, answer);
    }
  }
  return issued;
}

function issuedOf(issued: ReadonlyMap<string, Issued>, one: CredentialFacts): Issued {
  const found = issued.get(one.key);
  if (!found) throw new Error(`${one.key} was not issued`);
  return found;
}

/**
 * Sends what has not arrived yet. A delivery that the product took is not sent again, but for the one that code hosts are
 * made to send twice.
 *
 * @param told called after each delivery that was taken
 */
export async function deliverAll(
  world: WorldClient,
  leak: Leak,
  o: { told: (delivery: PlannedDelivery, redelivered: boolean) => void; pause: () => Promise<void> },
): Promise<void> {
  for (const planned of leak.deliveries) {
    const wanted = planned.again ? 2 : 1;
    for (let tries = 0; ; tries += 1) {
      const known = (await world.deliveries()).find((one) => one.guid === planned.guid);
      const taken = known?.attempts.filter((one) => isTaken(one.status)).length ?? 0;
      if (taken >= wanted) break;
      if (tries > 30) {
        const last = known?.attempts.at(-1);
        throw new Error(
          `the product does not take the delivery of ${planned.what}: ${last?.failure ?? `${last?.status} ${last?.answer}`}`,
        );
      }
      if (tries > taken) await new Promise((done) => setTimeout(done, 1_000));
      const { guid, event, repo, number, location, withSecret } = planned;
      const sent = known
        ? await world.redeliver(guid)
        : await world.deliver({ owner: OWNER, guid, event, repo, number, location, withSecret });
      const status = sent.attempts.at(-1)?.status ?? null;
      if (isTaken(status)) {
        o.told(planned, taken > 0);
        await o.pause();
      } else if (status !== null && status >= 400 && status < 500 && status !== 429) {
        throw new Error(
          `the product refused the delivery of ${planned.what}: ${status} ${sent.attempts.at(-1)?.answer}`,
        );
      }
    }
  }
}

const isTaken = (status: number | null): boolean => status !== null && status >= 200 && status < 300;
