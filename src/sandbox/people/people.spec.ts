import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTransport } from 'nodemailer';
import { request } from 'undici';
import { WorldClient } from '../client.ts';
import { startWorld } from '../world.ts';
import type { World } from '../world.ts';
import { acknowledgementForm, filledIn, linksToFollow } from './acknowledge.ts';
import { codeIn } from './app-api.ts';
import { decodeEntities, formsOf, linksOf } from './html.ts';
import type { Deed } from './schema.ts';

/** A product of its own, small but strict: it takes what a browser and the public API would send, and nothing else. */
class SmallProduct {
  origin = '';
  posted: { path: string; body: string; headers: IncomingMessage['headers'] }[] = [];
  steps: Record<string, unknown>[] = [];
  failing = 0;
  private readonly server: Server;

  constructor() {
    this.server = createServer(
      (req, res) =>
        void this.answer(req).then(({ status, headers, body }) => res.writeHead(status, headers).end(body)),
    );
  }
  async open(): Promise<void> {
    await new Promise<void>((done) => {
      this.server.listen(0, '127.0.0.1', done);
    });
    this.origin = `http://127.0.0.1:${(this.server.address() as AddressInfo).port}`;
  }
  async close(): Promise<void> {
    this.server.closeAllConnections();
    await new Promise((done) => {
      this.server.close(done);
    });
  }

  private async answer(
    req: IncomingMessage,
  ): Promise<{ status: number; headers?: Record<string, string>; body?: string }> {
    const chunks: Buffer[] = [];
    for await (const chunk of req as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = Buffer.concat(chunks).toString('utf8');
    const path = req.url ?? '';
    if ((this.failing -= 1) >= 0) return { status: 503 };
    if (path.startsWith('/api/')) {
      if (req.headers.authorization !== 'Bearer tok') return { status: 401 };
      if (req.method === 'GET') return { status: 200, body: JSON.stringify({ data: this.steps }) };
      this.posted.push({ path, body, headers: req.headers });
      this.steps = this.steps.filter((step) => !path.includes(String(step['id'])));
      return { status: 200, body: '{}' };
    }
    if (req.method === 'GET' && path === '/outside/link/abc') {
      const form = `<!doctype html><nav><form method="get" action="/search"><input name="q"></form></nav>
        <form method="post" action="/outside/link/abc/acknowledge"><input type="hidden" name="_csrf" value="c&amp;1">
        <label for="n">Your name</label><input id="n" name="typedName" required><input type="checkbox" name="received" value="yes">
        <button name="do" value="ack">I acknowledge receipt</button></form>`;
      return {
        status: 200,
        headers: { 'set-cookie': 'visit=7; Path=/; HttpOnly', 'content-type': 'text/html' },
        body: form,
      };
    }
    if (req.method === 'POST' && path === '/outside/link/abc/acknowledge') {
      this.posted.push({ path, body, headers: req.headers });
      const honest = new URLSearchParams(body).get('_csrf') === 'c&1' && req.headers.cookie === 'visit=7';
      return honest ? { status: 303, headers: { location: '/outside/thanks' } } : { status: 403 };
    }
    return path === '/outside/thanks' ? { status: 200, body: 'Thank you' } : { status: 404 };
  }
}

let dir: string;
let world: World;
let client: WorldClient;
let product: SmallProduct;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'people-'));
  world = await startWorld({ dir });
  client = new WorldClient(world.descriptor);
  product = new SmallProduct();
  await product.open();
});
afterAll(async () => {
  await world.close();
  await product.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => {
  product.posted = [];
  product.steps = [];
  product.failing = 0;
});

const notify = (to: string, html: string, subject = 'A credential of yours leaked') =>
  createTransport(client.smtpUrl).sendMail({ from: 'n@countersign.example', to, subject, html });
const link = (path: string, text: string) => `<p>Please <a href="${product.origin}${path}">${text}</a>.</p>`;

async function deed(fits: (deed: Deed) => boolean): Promise<Deed> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const found = (await client.people()).deeds.find(fits);
    if (found) return found;
    if (Date.now() > deadline) throw new Error(`nobody did it: ${JSON.stringify(await client.people())}`);
    await delay(20);
  }
}

describe('people', () => {
  test('acknowledge a notice under their name, as a browser would', async () => {
    const email = 'ada@northwind.example';
    await client.putPeople([{ name: 'Ada Fields', email, app: product.origin }]);
    await notify(email, link('/outside/link/abc', 'Acknowledge this notice'));
    await deed((d) => d.person === email && d.kind === 'acknowledged');
    const [post] = product.posted;
    expect(Object.fromEntries(new URLSearchParams(post?.body))).toEqual({
      _csrf: 'c&1',
      typedName: 'Ada Fields',
      received: 'yes',
      do: 'ack',
    });
    expect(post?.headers).toMatchObject({ origin: product.origin, cookie: 'visit=7' });
    expect(product.posted).toHaveLength(1);
  });

  test('come back to a notice while the product is away', async () => {
    const email = 'bo@northwind.example';
    product.failing = 1;
    await client.putPeople([{ name: 'Bo', email, app: product.origin }]);
    await notify(email, link('/outside/link/abc', 'Acknowledge'));
    await deed((d) => d.person === email && d.kind === 'acknowledged');
    expect(product.failing).toBeLessThan(0);
  });

  test('follow no link to another place, and do nothing when they never answer', async () => {
    const silent = 'never@northwind.example';
    const careful = 'cy@northwind.example';
    await client.putPeople([
      { name: 'Nobody', email: silent, app: product.origin, answers: false },
      { name: 'Cy', email: careful, app: product.origin },
    ]);
    await notify(silent, link('/outside/link/abc', 'Acknowledge'));
    await notify(careful, `<a href="${client.origin('github')}/outside/link/abc">Acknowledge</a>`);
    expect((await deed((d) => d.person === careful)).kind).toBe('read');
    expect(product.posted).toEqual([]);
    expect((await client.people()).deeds.filter((d) => d.person === silent)).toEqual([]);
    expect((await client.truth()).github.requests).toEqual([]);
  });

  test('approve what waits for them, with their own token', async () => {
    const email = 'di@operator.example';
    product.steps = [{ id: 'step-1', uses: 'approval', title: 'Approve revocation of the till key' }];
    await client.putPeople([{ name: 'Di', email, app: product.origin, token: 'tok', approves: true }]);
    await deed((d) => d.person === email && d.kind === 'approved' && d.about === 'step-1');
    expect(product.posted[0]?.path).toBe('/api/v1/steps/step-1/approve');
    expect(JSON.parse(product.posted[0]?.body ?? '{}')).toMatchObject({ decision: 'approve' });
  });

  test.each([
    ['northwind', 'ed@operator.example'],
    ['meridian', 'flo@operator.example'],
    ['halden', 'gil@operator.example'],
  ])('issue a replacement at %s and record it by id and hash', async (supplier, email) => {
    const id = `step-${supplier}`;
    const title = `Replace the credential at ${supplier}`;
    product.steps = [{ id, uses: 'manual-task', title, input: { supplier } }];
    const access = ['northwind', 'meridian', 'halden'].map((s) => ({ supplier: s, match: s }));
    await client.putPeople([
      { name: 'Ed', email, app: product.origin, token: 'tok', replaces: true, access },
    ]);
    const done = await deed((d) => d.person === email && d.kind === 'replaced' && d.about === id);
    const { output } = JSON.parse(product.posted[0]?.body ?? '{}') as { output: Record<string, unknown> };
    const booked = (await client.truthOf(supplier)).credentials.find((c) => c.id === done.detail);
    expect(booked).toMatchObject({ state: 'live', sha256: output['sha256'] });
    expect(output).toMatchObject({ supplierId: done.detail, location: { kind: 'vault' } });
    await client.putPeople([{ name: 'Ed', email, answers: false }]);
  });

  test('at a supplier without an API change what a mail names, and nobody outside can see it', async () => {
    const email = 'desk@halden.example';
    const [password] = await client.issue({ supplier: 'halden', label: 'EDI' });
    await client.putPeople([{ name: 'Hal', email, worksAt: 'halden', app: product.origin }]);
    await notify(email, `<p>Please change ${password?.id} now.</p>`);
    await deed((d) => d.person === email && d.kind === 'changed');
    const booked = (await client.truthOf('halden')).credentials.find((c) => c.id === password?.id);
    expect(booked?.state).toBe('revoked');
  });

  test('keep their token to themselves', async () => {
    const people = JSON.stringify(await client.people());
    expect(people).toContain('di@operator.example');
    expect(people).not.toContain('"token"');
    const answer = await request(`${product.origin}/api/v1/steps`, {
      headers: { authorization: 'Bearer other' },
    });
    expect(answer.statusCode).toBe(401);
    await answer.body.dump();
  });
});

describe('what a reader sees in a page', () => {
  test('forms with their fields, values and labels', () => {
    const [form] = formsOf(`<form METHOD=post action='/a?x=1&amp;y=2'><!-- <input name=no> -->
      <script>"<input name=no>"</script><label>Name <input name=who id=w></label>
      <input disabled name=no><select name=s><option value=''>-<option value=b selected>B</select>
      <textarea name=t required></textarea><input type=radio name=r value=1><input type=radio name=r value=2>
      <input type=checkbox name=c><button>Confirm</button></form>`);
    if (!form) throw new Error('no form was seen');
    expect(form).toMatchObject({ method: 'POST', action: '/a?x=1&y=2' });
    expect(filledIn(form, { name: 'Ada', email: 'a@b.example', code: null })).toEqual([
      ['who', 'Ada'],
      ['s', 'b'],
      ['t', 'Received. We are on it.'],
      ['r', '1'],
    ]);
    expect(acknowledgementForm([{ ...form, method: 'GET' }, form])).toBe(form);
  });

  test('links, entities, codes, and the likeliest link first', () => {
    expect(linksOf('<a href="/x?a=1&amp;b=2">To <b>x</b></a><a>no</a>')).toEqual([
      { href: '/x?a=1&b=2', text: 'To x' },
    ]);
    expect(decodeEntities('&lt;&#65;&#x42;&nope;&#x110000;')).toBe('<AB&nope;&#x110000;');
    expect(codeIn('Your code is: 481516. It holds for 10 minutes.')).toBe('481516');
    expect(codeIn('No such thing')).toBeNull();
    const mail = {
      html: '<a href="https://c.example/privacy">Privacy</a><a href="https://c.example/n/1">Acknowledge</a>',
      text: 'See https://c.example/cases/7 or https://evil.example/n/1',
    };
    expect(linksToFollow(mail, 'https://c.example/')).toEqual([
      'https://c.example/n/1',
      'https://c.example/cases/7',
    ]);
  });

  test('survives pages that are none', () => {
    for (const html of [
      '',
      '<',
      '<form',
      '<form><input name="',
      '<!--',
      '<script>',
      '<a href=',
      '<<<<a<b>',
    ]) {
      expect(Array.isArray(formsOf(html)) && Array.isArray(linksOf(html))).toBe(true);
    }
  });
});
