import { timingSafeEqual } from 'node:crypto';
import { z } from 'zod';
import type { Faults } from '../ground/faults.ts';
import { faultSchema } from '../ground/faults.ts';
import { Refuse } from '../ground/server.ts';
import type { Answer, Asked, Place, Route } from '../ground/server.ts';
import { sha256 } from '../ground/sealing.ts';
import type { Github } from '../github/github.ts';
import type { Alert } from '../github/alert-book.ts';
import { alertSchema, deliverySchema, hookSchema } from '../github/schema.ts';
import type { MailServer } from '../mail/mail-server.ts';
import type { People } from '../people/people.ts';
import { personSchema } from '../people/schema.ts';
import { connectorPresets } from '../suppliers/connector-presets.ts';
import { issueSchema } from '../suppliers/supplier.ts';
import type { Supplier } from '../suppliers/supplier.ts';
import { accessSchema, sessionsSchema, stateSchema } from './schema.ts';
import type { AlertView, SupplierView, Truth, WorldDescriptor } from './schema.ts';

/** What the hand on the world's strings can reach. */
export interface Strings {
  descriptor: WorldDescriptor;
  suppliers: { supplier: Supplier; origin: string | null }[];
  github: Github;
  mail: MailServer;
  people: People;
  faults: Faults;
  stop: () => void;
}

/**
 * The control API: for whoever stages the world, not for those who live in it. Everything but the health asks for the
 * token of `world.json`, so that no web page of the same machine can pull a string.
 */
export function controlPlace(strings: Strings): Place {
  const { descriptor, github, mail, people, faults } = strings;

  const supplier = (key: string): { supplier: Supplier; origin: string | null } => {
    const found = strings.suppliers.find((s) => s.supplier.key === key);
    if (!found) throw new Refuse(404, { error: `no supplier ${key}` });
    return found;
  };

  const open: Route[] = [
    {
      method: 'GET',
      path: '/control/health',
      kind: 'other',
      handle: () => {
        const { worldId, pid, startedAt, ports } = descriptor;
        return { status: 200, body: { ok: true, worldId, pid, startedAt, ports } };
      },
    },
  ];

  const guarded: [string, string, (asked: Asked) => unknown][] = [
    ['GET', '/control/suppliers', () => strings.suppliers.map(supplierView)],
    ['GET', '/control/portfolio-connectors', () => connectorPresets(strings.suppliers.map(supplierView))],
    [
      'POST',
      '/control/credentials',
      (asked) => {
        const order = body(asked, issueSchema);
        return supplier(order.supplier).supplier.issue(order);
      },
    ],
    [
      'POST',
      '/control/credentials/state',
      async (asked) => {
        const { supplier: key, ids, state } = body(asked, stateSchema);
        const { book } = supplier(key).supplier;
        const all = ids ?? [...book.credentials()].map((credential) => credential.id);
        return { changed: await supplier(key).supplier.setState(all, state) };
      },
    ],
    [
      'POST',
      '/control/sessions',
      async (asked) => {
        const { supplier: key, id, count } = body(asked, sessionsSchema);
        const { book } = supplier(key).supplier;
        if (!book.credential(id)) throw new Refuse(404, { error: `no credential ${id}` });
        return { sessions: await book.openSessions(id, count, 12 * 3_600_000) };
      },
    ],
    [
      'POST',
      '/control/access',
      (asked) => {
        const { supplier: key, account } = body(asked, accessSchema);
        return supplier(key).supplier.access(account);
      },
    ],
    ['GET', '/control/faults', () => faults.list()],
    [
      'POST',
      '/control/faults',
      (asked) => {
        const fault = body(asked, faultSchema);
        const targets = [...strings.suppliers.map((s) => s.supplier.key), 'github', 'mail'];
        if (!targets.includes(fault.target)) throw new Refuse(404, { error: `no target ${fault.target}` });
        return faults.put(fault);
      },
    ],
    [
      'DELETE',
      '/control/faults',
      async (asked) => {
        const id = asked.url.searchParams.get('id');
        const target = asked.url.searchParams.get('target');
        return { cleared: await faults.clear({ ...(id ? { id } : {}), ...(target ? { target } : {}) }) };
      },
    ],
    ['POST', '/control/github/tokens', async () => ({ token: await github.book.issueToken() })],
    [
      'PUT',
      '/control/github/hook',
      async (asked) => {
        await github.book.setHook(body(asked, hookSchema));
        return { ok: true };
      },
    ],
    [
      'POST',
      '/control/github/alerts',
      async (asked) => alertView(await github.book.raise(body(asked, alertSchema))),
    ],
    ['POST', '/control/github/deliveries', (asked) => github.webhooks.send(body(asked, deliverySchema))],
    ['GET', '/control/github/deliveries', () => github.book.deliveries()],
    [
      'POST',
      '/control/github/deliveries/:guid/redeliver',
      (asked) => github.webhooks.redeliver(asked.params['guid'] ?? ''),
    ],
    ['GET', '/control/mailboxes', () => mail.mailboxes()],
    ['GET', '/control/mailboxes/:address', (asked) => mail.mailbox(asked.params['address'] ?? '')],
    ['GET', '/control/mail', () => mail.truth()],
    [
      'GET',
      '/control/mail/:id',
      async (asked) => {
        const message = await mail.read(asked.params['id'] ?? '');
        if (!message) throw new Refuse(404, { error: 'no such message' });
        return message;
      },
    ],
    [
      'POST',
      '/control/people',
      async (asked) => {
        await people.put(body(asked, z.array(personSchema).min(1).max(500)));
        return people.list();
      },
    ],
    ['GET', '/control/people', () => ({ people: people.list(), deeds: people.deedsDone() })],
    ['GET', '/control/truth', (asked) => truth(strings, asked)],
    [
      'POST',
      '/control/stop',
      () => {
        setImmediate(strings.stop);
        return { stopping: true };
      },
    ],
  ];

  const expected = Buffer.from(sha256(descriptor.controlToken));
  const routes = guarded.map(([method, path, handle]): Route => ({
    method,
    path,
    kind: 'other',
    handle: async (asked): Promise<Answer> => {
      const given = Buffer.from(sha256(asked.bearer() ?? ''));
      if (!timingSafeEqual(given, expected))
        throw new Refuse(401, { error: 'the token of world.json, please' });
      return { status: 200, body: (await handle(asked)) as object };
    },
  }));
  return { key: 'control', bodyLimit: 8 * 1024 * 1024, routes: [...open, ...routes] };
}

function body<T extends z.ZodType>(asked: Asked, schema: T): z.output<T> {
  const parsed = schema.safeParse(asked.json());
  if (!parsed.success) throw new Refuse(422, { error: z.prettifyError(parsed.error) });
  return parsed.data;
}

function truth(strings: Strings, asked: Asked): Truth {
  const only = asked.url.searchParams.get('supplier');
  const number = (name: string): number | undefined => {
    const text = asked.url.searchParams.get(name);
    return text === null ? undefined : Math.max(0, Number(text) || 0);
  };
  const after = number('after');
  const limit = number('limit');
  const page = { ...(after === undefined ? {} : { after }), ...(limit === undefined ? {} : { limit }) };
  const { github, mail, people, faults } = strings;
  return {
    suppliers: strings.suppliers
      .filter((s) => only === null || s.supplier.key === only)
      .map((s) => s.supplier.book.truth(page)),
    github: {
      alerts: github.book.all().map(alertView),
      deliveries: github.book.deliveries(),
      requests: github.book.log.read(page.after, page.limit),
    },
    mail: mail.truth(),
    people: { people: people.list(), deeds: people.deedsDone() },
    faults: faults.list(),
  };
}

const supplierView = (s: { supplier: Supplier; origin: string | null }): SupplierView => ({
  key: s.supplier.key,
  title: s.supplier.title,
  asked: s.supplier.asked,
  baseUrl: s.origin,
});

const alertView = ({ owner, repo, number, state, resolution, resolutionComment }: Alert): AlertView => ({
  owner,
  repo,
  number,
  state,
  resolution,
  resolutionComment,
});
