import { randomBytes } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import type { WorldClient } from '../client.ts';
import type { PersonInput } from '../people/schema.ts';
import {
  CLEARED_PLACES,
  CONTACTS,
  OPERATOR,
  PLATFORM,
  SUPPLIERS,
  SUPPLIER_FACTS,
  contactOf,
  issuedFor,
  leakOf,
} from './portfolio/catalogue.ts';
import { laterDocument, portfolioDocument } from './portfolio/document.ts';
import { ProductRefused } from './product.ts';
import type { Product } from './product.ts';
import type { Leak, Story } from './story.ts';

interface ImportView {
  id: string;
  reference: string;
  state: string;
  counts: Record<string, { created: number; changed: number; unchanged: number }>;
  problems: number;
  failure: string | null;
  mend: string | null;
}

/** What a leak needs to be known of the portfolio, in the format of the public import. */
export async function documentFor(
  world: WorldClient,
  story: Story,
  leak: Leak,
): Promise<Record<string, unknown>> {
  const keys = new Set(issuedFor(leak.number).map((one) => one.key));
  const mine = story.versions.filter((version) => keys.has(version.credential));
  const newest = [...new Map(mine.map((version) => [version.credential, version])).values()];
  if (leak.number === 1) return portfolioDocument({ versions: newest, presets: await world.connectors() });
  const before = mine.filter((version) => !newest.includes(version));
  return laterDocument({ credentials: leakOf(leak.number), versions: newest, before });
}

/** Imports and waits. @returns how many rows came to exist */
export async function importDocument(product: Product, document: Record<string, unknown>): Promise<number> {
  let view = await product.post<ImportView>('/api/v1/imports?name=portfolio.json', document);
  while (!['done', 'refused', 'failed'].includes(view.state)) {
    await delay(50);
    view = await product.get<ImportView>(`/api/v1/imports/${view.id}`);
  }
  if (view.state !== 'done') {
    const { problems } = await product.get<{
      problems: {
        line: number | null;
        kind: string;
        key: string;
        field: string;
        problem: string;
        mend: string;
      }[];
    }>(`/api/v1/imports/${view.id}/problems?limit=10`);
    const said = problems.map(
      (one) => `\n  ${one.kind} ${one.key}, ${one.field}: ${one.problem}. ${one.mend}`,
    );
    throw new Error(
      `${view.reference}: the import was ${view.state}: ${view.failure ?? `${view.problems} problems`}${said.join('')}`,
    );
  }
  return Object.values(view.counts).reduce((sum, one) => sum + one.created, 0);
}

interface ConnectionView {
  id: string;
  key: string | null;
}

/**
 * Gives each connection its own authentication and a control canary. A canary's value is here only between its issue and
 * this call, so one whose call was lost is issued anew.
 */
export async function equipConnections(
  product: Product,
  world: WorldClient,
  story: Story,
  keep: () => Promise<void>,
): Promise<void> {
  const offers = await world.connectors();
  const connections = await product.all<ConnectionView>('/api/v1/connections?limit=200', 'connections');
  for (const supplier of SUPPLIERS) {
    if (story.equipped.includes(supplier) || supplier === 'halden') continue;
    const { connection: key, account } = SUPPLIER_FACTS[supplier];
    const connection = connections.find((one) => one.key === key);
    if (!connection) throw new Error(`the product knows no connection ${key}`);
    const [canary] = await world.issue({ supplier, account, label: 'control canary', canary: true });
    if (!canary) throw new Error(`${SUPPLIER_FACTS[supplier].name} issued no control canary`);
    const access = await world.access(supplier);
    const named = Object.keys(offers.find((offer) => offer.supplier === supplier)?.preset.auth ?? {});
    await product.put(`/api/v1/connections/${connection.id}/secrets`, {
      auth: Object.fromEntries(named.map((name) => [name, access[name]])),
      control: { supplierId: canary.id, value: canary.value },
    });
    story.equipped.push(supplier);
    await keep();
  }
}

export const HOOK_SOURCE = 'brightwater-github';

/** The code host's webhook at the product, and the product's access to its API. */
export async function connectCodeHost(product: Product, world: WorldClient): Promise<void> {
  const secret = randomBytes(32).toString('base64url');
  const { token } = await world.githubToken();
  try {
    await product.post('/api/v1/sources', {
      key: HOOK_SOURCE,
      kind: 'github',
      name: 'Secret scanning at the code host',
      trust: 'act',
      apiBaseUrl: world.origin('github'),
      apiToken: token,
      keys: [secret],
    });
  } catch (error) {
    if (!(error instanceof ProductRefused) || error.status !== 409) throw error;
    // Made by a run that was cut off before it had told the code host.
    const sources = await product.all<{ id: string; key: string }>('/api/v1/sources', 'sources');
    const source = sources.find((one) => one.key === HOOK_SOURCE);
    if (!source) throw error;
    await product.post(`/api/v1/sources/${source.id}/keys`, { key: secret });
  }
  await world.setHook({ url: `${product.url}/api/v1/intake/${HOOK_SOURCE}`, secret });
}

/** How long after a mail or a task people turn to it, in milliseconds. */
const SOON = 400;

/**
 * Tells the people of the outside world where the product is, and gives those who work with it a token of their own.
 *
 * @param tokenOf makes a token of an account; only its person may over the API, and whoever runs the host
 */
export async function introducePeople(
  product: Product,
  world: WorldClient,
  tokenOf: (account: { userId: string; name: string; role: string }) => Promise<string>,
): Promise<void> {
  const { users } = await product.get<{ users: { id: string; email: string }[] }>('/api/v1/users');
  // What somebody approves or signs is theirs: their token belongs to their account.
  const tokenFor = async (
    { name, email }: { name: string; email: string },
    role: string,
  ): Promise<string> => {
    const known = users.find((user) => user.email.toLowerCase() === email.toLowerCase());
    const { id: userId } =
      known ?? (await product.post<{ id: string }>('/api/v1/users', { name, email, roles: [role] }));
    if (!known) users.push({ id: userId, email });
    return tokenOf({ userId, name, role });
  };
  const approver = contactOf(OPERATOR, 'security');
  const engineer = contactOf(OPERATOR, 'on_call');
  const readers: PersonInput[] = CONTACTS.filter((one) => one.party !== OPERATOR).map((one) => ({
    name: one.name,
    email: one.email,
    answers: one.answers,
    after: SOON,
    app: product.url,
  }));
  await world.putPeople([
    ...readers,
    {
      name: approver.name,
      email: approver.email,
      after: SOON,
      app: product.url,
      acknowledges: false,
      approves: true,
      token: await tokenFor(approver, 'responder'),
    },
    {
      name: engineer.name,
      email: engineer.email,
      after: SOON,
      app: product.url,
      acknowledges: false,
      replaces: true,
      token: await tokenFor(engineer, 'integration_engineer'),
      access: SUPPLIERS.map((supplier) => ({
        supplier,
        account: SUPPLIER_FACTS[supplier].account,
        match: supplier,
        store: { kind: 'vault', reference: `kv/suppliers/${supplier}` },
      })),
    },
    {
      name: PLATFORM.name,
      email: PLATFORM.email,
      after: SOON,
      app: product.url,
      acknowledges: false,
      clears: CLEARED_PLACES,
      token: await tokenFor(PLATFORM, 'responder'),
    },
  ]);
}
