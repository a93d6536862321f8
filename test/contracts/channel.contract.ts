import { afterAll, afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { createLocalJWKSet, decodeJwt, jwtVerify } from 'jose';
import type { Channel, OutgoingMessage } from '../../src/domain/notices/channel.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { EndpointPosts } from '../../src/domain/signals/endpoint-posts.service.ts';
import { SetSigner } from '../../src/domain/signals/set-signer.service.ts';
import { PUSH } from '../../src/domain/signals/set.rules.ts';
import { StreamsService } from '../../src/domain/signals/streams.service.ts';
import { newSubscriptionSchema } from '../../src/domain/signals/subscription.schema.ts';
import { SubscriptionsService } from '../../src/domain/signals/subscriptions.service.ts';
import { newId } from '../../src/kernel/ids.ts';
import { system } from '../../src/kernel/principal.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { PublicUrl } from '../../src/platform/config/public-url.ts';
import { parseConfig, type Config } from '../../src/platform/config/config.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { Transactions } from '../../src/platform/database/transactions.ts';
import { Mailer } from '../../src/platform/mail/mailer.ts';
import { MailChannel } from '../../src/plugins/channels/mail/mail.channel.ts';
import { channels } from '../../src/plugins/channels/registry.ts';
import { SetChannel } from '../../src/plugins/channels/set/set.channel.ts';
import { SlackChannel } from '../../src/plugins/channels/slack/slack.channel.ts';
import { StandardWebhooksChannel } from '../../src/plugins/channels/standard-webhooks/standard-webhooks.channel.ts';
import { TeamsChannel } from '../../src/plugins/channels/teams/teams.channel.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { SignalPeer } from '../support/signal-peer.ts';
import { MailServer } from '../support/mail-server.ts';

/** A peer that a test tells how to behave, and that tells what it was given. */
interface Peer {
  address: string;
  foreignAddresses: string[];
  behave(how: 'accept' | 'refuse recipient' | 'busy' | 'hang up after the message' | 'down'): Promise<void>;
  received: readonly { to: string[]; messageId: string; subject: string; text: string }[];
  /** Whose it is, where the channel knows parties. */
  partyId?: string;
  channel(): Channel;
  close(): Promise<void>;
}

async function mailPeer(): Promise<Peer> {
  const server = await MailServer.start();
  const config = parseConfig({
    COUNTERSIGN_SMTP_URL: `smtp://${server.host}`,
    COUNTERSIGN_OUTBOUND_ALLOW: server.host,
    COUNTERSIGN_MAIL_FROM: 'Countersign <notices@operator.example>',
  });
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  return {
    address: 'security@northwind.example',
    foreignAddresses: [
      '',
      'a@x.example, b@evil.example',
      'a@x.example\r\nBcc: b@evil.example',
      '<a@x.example>',
      'https://x.example',
    ],
    behave: (how) => server.behave(how),
    received: server.received,
    channel: () => new MailChannel(new Mailer(config.value, new Outbound(config.value, new SystemClock()))),
    close: () => server.close(),
  };
}

/** The other side of a channel that posts JSON: what it says of each way to behave, and how it reads what came. */
async function webhookPeer(o: {
  path: string;
  server?: SignalPeer;
  accepted: { status: number; body?: string };
  /** Absent: the body is JSON. */
  parse?(body: string): unknown;
  read(body: never, headers: Record<string, unknown>): { messageId: string; subject: string; text: string };
  channel(config: Config, peer: SignalPeer): Channel;
  address?(peer: SignalPeer): Promise<{ address: string; partyId: string }>;
}): Promise<Peer & { server: SignalPeer }> {
  const server = o.server ?? (await SignalPeer.start());
  const config = parseConfig({
    COUNTERSIGN_OUTBOUND_ALLOW: server.host,
    COUNTERSIGN_PUBLIC_URL: 'https://console.operator.example',
  });
  if (!config.ok) throw new Error(JSON.stringify(config.error));
  const accept = () => server.answer(o.accepted.status, {}, o.accepted.body ?? '');
  accept();
  const made = await o.address?.(server);
  const address = made?.address ?? `${server.url}${o.path}`;
  return {
    server,
    address,
    partyId: made?.partyId,
    foreignAddresses: [
      '',
      'security@northwind.example',
      `${server.url}/elsewhere`,
      'ftp://hooks.slack.com/services/T0/B0/x',
      `${server.url.replace('http://', 'http://user:pass@')}${o.path}`,
      `https://hooks.slack.com.evil.example${o.path}`,
      `https://evil.example/?${o.path}`,
      `${server.url}${o.path}\r\nx: y`,
    ],
    behave: async (how) => {
      // Whatever hold an endpoint earned before is over.
      world?.clock.advance(HOUR);
      if (how === 'accept') accept();
      else if (how === 'refuse recipient') server.answer(404, {}, 'no_service');
      else if (how === 'busy') server.answer(429, { 'retry-after': '30' }, 'rate_limited');
      else if (how === 'hang up after the message')
        server.answerWith((_request, response) => response.socket?.destroy());
      else await server.close();
    },
    get received() {
      return server.received.map((one) => ({
        to: [made ? address : `${server.url}${one.path}`],
        ...o.read((o.parse ?? JSON.parse)(one.body) as never, one.headers),
      }));
    },
    channel: () => o.channel(config.value, server),
    close: () => server.close().catch(() => undefined),
  };
}

const outboundOf = (config: Config) => new Outbound(config, new SystemClock());

interface SlackBlocks {
  blocks: { type: string; text?: { text: string }; elements?: { text: string }[] }[];
}
const slackPeer = () =>
  webhookPeer({
    path: '/services/T0001/B0001/abcdefghijklmnop',
    accepted: { status: 200, body: 'ok' },
    channel: (config) => new SlackChannel(outboundOf(config), new PublicUrl(config), config),
    read: ({ blocks }: SlackBlocks) => ({
      subject: blocks.find(({ type }) => type === 'header')!.text!.text,
      text: blocks.flatMap(({ type, text }) => (type === 'section' ? [text!.text] : [])).join('\n'),
      messageId: `<${blocks.at(-1)!.elements![0]!.text}>`,
    }),
  });

interface TeamsCard {
  attachments: { content: { body: { inlines: { text: string }[] }[] } }[];
}
const teamsPeer = () =>
  webhookPeer({
    path: '/workflows/0123456789/triggers/manual/paths/invoke?sig=abcdefghijklmnop',
    accepted: { status: 202 },
    channel: (config) => new TeamsChannel(outboundOf(config), new PublicUrl(config), config),
    read: ({ attachments }: TeamsCard) => {
      const texts = attachments[0]!.content.body.map(({ inlines }) => inlines[0]!.text);
      return {
        subject: texts[0]!,
        text: texts.slice(1, -1).join('\n'),
        messageId: `<${texts.at(-1)!}>`,
      };
    },
  });

/** One application for all tests of the channel that sends to the endpoints of a subscription. */
let world: TestApp | undefined;
const spare: SignalPeer[] = [];
afterAll(async () => {
  await world?.close();
  for (const one of spare) await one.close();
});

/** A party of its own for each test, and a server that it may be reached at. */
async function partyWorld() {
  if (!world) {
    // One for each test, known before the application starts: an operator lets exact ports through.
    for (let n = 0; n < 14; n++) spare.push(await SignalPeer.start());
    world = await startApp({
      settings: { duties: { serves: true, works: false } },
      config: { outboundAllow: spare.map(({ host }) => host) },
    });
  }
  const { app } = world;
  const newParty = async () => {
    const partyId = newId();
    await app
      .get(Transactions)
      .run(system('test', 'test-channel'), (db) =>
        db.query(
          `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, $2, 'Peer', now(), now())`,
          [partyId, `PTY-${partyId}`],
        ),
      );
    return partyId;
  };
  return { app, newParty };
}

const endpointPeer = async () => {
  const { app, newParty } = await partyWorld();
  return webhookPeer({
    path: '/hook',
    server: spare.pop()!,
    accepted: { status: 204 },
    channel: () => new StandardWebhooksChannel(app.get(EndpointPosts)),
    read: (body: { data: { messageId: string; subject: string; text: string } }) => ({
      ...body.data,
      messageId: `<${body.data.messageId}>`,
    }),
    address: async (peer) => {
      const partyId = await newParty();
      const made = await app.get(SubscriptionsService).create(
        newSubscriptionSchema.parse({
          partyId,
          name: 'Notices',
          url: `${peer.url}/hook`,
          events: ['case.opened'],
        }),
        system('test', 'test-channel'),
      );
      if (!made.ok) throw new Error(made.error.message);
      return { address: `endpoint:${made.value.subscription.id}`, partyId };
    },
  });
};

const BEARER = 'Bearer of-the-receiver-itself';
const streamPeer = async () => {
  const { app, newParty } = await partyWorld();
  return webhookPeer({
    path: '/events',
    server: spare.pop()!,
    accepted: { status: 202 },
    channel: () => new SetChannel(app.get(EndpointPosts)),
    parse: decodeJwt,
    read: (claims: { jti: string; events: Record<string, { subject: string; text: string }> }) => ({
      ...Object.values(claims.events)[0]!,
      messageId: `<${claims.jti}>`,
    }),
    address: async (peer) => {
      const partyId = await newParty();
      const delivery = {
        method: PUSH as typeof PUSH,
        endpoint_url: `${peer.url}/events`,
        authorization_header: BEARER,
      };
      const made = await app
        .get(StreamsService)
        .create({ delivery }, { ...system('test', 'test-channel'), partyId });
      if (!made.ok) throw new Error(made.error.message);
      return { address: `stream:${made.value.stream_id}`, partyId };
    },
  });
};

/** How to play the other side of each channel; a channel without one fails here. */
const peers: Record<string, () => Promise<Peer>> = {
  MailChannel: mailPeer,
  SlackChannel: slackPeer,
  TeamsChannel: teamsPeer,
  StandardWebhooksChannel: endpointPeer,
  SetChannel: streamPeer,
};

const message: Omit<OutgoingMessage, 'to'> = {
  messageId: '01a200fe-d4b9-7089-9325-a3c0f322de7d@notices.countersign',
  subject: 'NTC-2026-0001: credential exposure\r\nBcc: b@evil.example',
  text: 'Umlaut ü, a dot line:\n.\nand the end.',
  html: '<p>Umlaut ü</p>',
  language: 'en',
};
const call = { signal: AbortSignal.timeout(50_000), now: () => Date.now() };

describe.each(channels.map((one) => [one.name]))('%s', (name) => {
  let peer: Peer;
  beforeEach(async () => {
    const make = peers[name];
    if (!make) throw new Error(`write a peer for ${name}`);
    peer = await make();
  });
  afterEach(async () => {
    await peer.close();
  });

  test('an accepted message arrives once, whole, under its id, at its one address', async () => {
    const answer = await peer.channel().send({ ...message, to: peer.address, partyId: peer.partyId }, call);
    expect(answer.outcome).toBe('accepted');
    expect(peer.received).toHaveLength(1);
    expect(peer.received[0]).toMatchObject({ to: [peer.address], messageId: `<${message.messageId}>` });
    expect(peer.received[0]!.text.replaceAll('\r\n', '\n')).toContain(message.text);
    expect(peer.received[0]!.subject).toBe('NTC-2026-0001: credential exposure Bcc: b@evil.example');
  });

  test('the same message again carries the same id', async () => {
    const channel = peer.channel();
    await channel.send({ ...message, to: peer.address, partyId: peer.partyId }, call);
    await channel.send({ ...message, to: peer.address, partyId: peer.partyId }, call);
    expect(new Set(peer.received.map((one) => one.messageId)).size).toBe(1);
  });

  test('a refusal for good is told from one for now, and both from silence', async () => {
    await peer.behave('refuse recipient');
    expect(
      (await peer.channel().send({ ...message, to: peer.address, partyId: peer.partyId }, call)).outcome,
    ).toBe('refused');
    await peer.behave('busy');
    expect(
      (await peer.channel().send({ ...message, to: peer.address, partyId: peer.partyId }, call)).outcome,
    ).toBe('retry');
    await peer.behave('hang up after the message');
    expect(
      (await peer.channel().send({ ...message, to: peer.address, partyId: peer.partyId }, call)).outcome,
    ).toBe('unknown');
    await peer.behave('down');
    expect(
      (await peer.channel().send({ ...message, to: peer.address, partyId: peer.partyId }, call)).outcome,
    ).toBe('retry');
  });

  test('an address of another form is refused before anything is sent', async () => {
    const channel = peer.channel();
    for (const address of peer.foreignAddresses) {
      expect(channel.accepts(address)).toBe(false);
      expect((await channel.send({ ...message, to: address }, call)).outcome).toBe('refused');
    }
    expect(peer.received).toEqual([]);
  });
});

test('a mail server on a private address is not dialled unless it is allowed', async () => {
  const peer = await mailPeer();
  const allowed = peer.channel();
  expect((await allowed.send({ ...message, to: peer.address, partyId: peer.partyId }, call)).outcome).toBe(
    'accepted',
  );
  const config = parseConfig({ COUNTERSIGN_SMTP_URL: 'smtp://127.0.0.1:1025' });
  if (!config.ok) throw new Error('config');
  const guarded = new MailChannel(new Mailer(config.value, new Outbound(config.value, new SystemClock())));
  const answer = await guarded.send({ ...message, to: peer.address, partyId: peer.partyId }, call);
  expect(answer.outcome).toBe('retry');
  expect(answer.peerAnswer).toMatch(/COUNTERSIGN_OUTBOUND_ALLOW/);
  await peer.close();
});

describe('a notice as a token', () => {
  test('is signed with a published key, for that stream alone, and comes with the receiver’s own authorization', async () => {
    const peer = await streamPeer();
    await peer.channel().send({ ...message, to: peer.address, partyId: peer.partyId }, call);
    const [came] = peer.server.received;
    const { app } = await partyWorld();
    const keys = createLocalJWKSet(await app.get(SetSigner).published());
    const issuer = app.get(SetSigner).issuer();
    const audience = peer.address.replace('stream:', '');
    const { payload, protectedHeader } = await jwtVerify(came!.body, keys, { issuer, audience });
    expect(protectedHeader.typ).toBe('secevent+jwt');
    expect(payload).toMatchObject({
      sub_id: { format: 'opaque', id: peer.partyId },
      events: { [`${issuer}/secevent/event-type/notice`]: { messageId: message.messageId, language: 'en' } },
    });
    expect(payload.exp ?? payload.sub).toBeUndefined();
    expect(came!.headers).toMatchObject({
      'content-type': 'application/secevent+jwt',
      authorization: BEARER,
    });
    await peer.close();
  });

  test('goes to no stream of another party', async () => {
    const peer = await streamPeer();
    const sent = await peer.channel().send({ ...message, to: peer.address, partyId: newId() }, call);
    expect(sent.outcome).toBe('refused');
    expect(peer.server.received).toEqual([]);
    await peer.close();
  });

  test.each([
    ['invalid_request', 'refused'],
    ['authentication_failed', 'retry'],
  ])('that its receiver refuses with %s: %s', async (code, outcome) => {
    const peer = await streamPeer();
    peer.server.answer(400, {}, JSON.stringify({ err: code }));
    const sent = await peer.channel().send({ ...message, to: peer.address, partyId: peer.partyId }, call);
    expect(sent.outcome).toBe(outcome);
    await peer.close();
  });
});

describe('mail', () => {
  test('goes out over one connection for many, and one that the server ended meanwhile loses and doubles nothing', async () => {
    const server = await MailServer.start();
    const config = parseConfig({
      COUNTERSIGN_SMTP_URL: `smtp://${server.host}`,
      COUNTERSIGN_OUTBOUND_ALLOW: server.host,
    });
    if (!config.ok) throw new Error(JSON.stringify(config.error));
    const channel = new MailChannel(new Mailer(config.value, outboundOf(config.value)));
    const send = async (n: number) => {
      const one = { ...message, messageId: `m${n}@notices.countersign`, to: `desk-${n}@northwind.example` };
      expect((await channel.send(one, call)).outcome).toBe('accepted');
    };
    for (let n = 0; n < 5; n++) await send(n);
    expect(server.connections).toBe(1);
    await Promise.all(Array.from({ length: 40 }, (_, n) => send(5 + n)));
    expect(server.atOnce).toBeLessThanOrEqual(16);
    expect(server.connections).toBeLessThanOrEqual(24);
    const before = server.connections;
    server.hangUp();
    await Promise.all(Array.from({ length: 16 }, (_, n) => send(45 + n)));
    expect(server.connections).toBeGreaterThan(before);
    expect(new Set(server.received.map(({ messageId }) => messageId)).size).toBe(61);
    expect(server.received).toHaveLength(61);
    // Refused for one is refused for that one: the next goes out.
    await server.behave('refuse recipient', 'desk-99@northwind.example');
    const refused = await channel.send({ ...message, to: 'desk-99@northwind.example' }, call);
    expect(refused.outcome).toBe('refused');
    await send(100);
    await server.close();
  });
});

describe('an incoming webhook', () => {
  test.each([
    ['slack', slackPeer, ['https://hooks.slack.com/services/T0001/B0001/secretpartoftheurl']],
    [
      'teams',
      teamsPeer,
      [
        'https://prod-1.westeurope.logic.azure.com/workflows/ab/triggers/manual/paths/invoke?sig=secretpartoftheurl',
        'https://prod-1.westeurope.logic.azure.com:443/workflows/ab/triggers/manual/paths/invoke?sig=secretpartoftheurl',
        'https://default.00.environment.api.powerplatform.com/powerautomate/automations/direct/workflows/secretpartoftheurl',
        'https://contoso.webhook.office.com/webhookb2/secretpartoftheurl',
      ],
    ],
  ] as const)(
    'of %s is known by its form, and its secret part is never shown',
    async (_key, make, addresses) => {
      const peer = await make();
      const channel = peer.channel();
      for (const address of addresses) {
        expect(channel.accepts(address)).toBe(true);
        expect(channel.shown!(address)).not.toContain('secretpart');
      }
      expect(new Set(addresses.map((one) => channel.shown!(one))).size).toBe(addresses.length);
      await peer.close();
    },
  );

  test('whose peer answers with its own address does not bring it into the record', async () => {
    const peer = await slackPeer();
    await peer.behave('refuse recipient');
    const answer = await peer.channel().send({ ...message, to: peer.address }, call);
    expect(answer.peerAnswer).not.toContain('abcdefghijklmnop');
    await peer.close();
  });

  test('carries no markup of anybody: names cannot call a channel, and only our own addresses are links', async () => {
    const hostile = {
      ...message,
      subject: '<!channel> & <https://evil.example|login>',
      text: '<!here> @channel <https://evil.example|our console> [x](https://evil.example)\nhttps://console.operator.example/n/abc',
    };
    const slack = await slackPeer();
    await slack.channel().send({ ...hostile, to: slack.address }, call);
    expect(slack.received[0]!.text).toContain(
      '&lt;!here&gt; @channel &lt;https://evil.example|our console&gt;',
    );
    expect(slack.received[0]!.text).toContain('<https://console.operator.example/n/abc>');
    await slack.close();
  });

  test('that answers 200 for what it did not take is not taken for an acceptance', async () => {
    const [slack, teams] = [await SignalPeer.start(), await SignalPeer.start()];
    slack.answer(200, {}, 'invalid_payload');
    teams.answer(
      200,
      {},
      'Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429',
    );
    const config = parseConfig({ COUNTERSIGN_OUTBOUND_ALLOW: `${slack.host},${teams.host}` });
    if (!config.ok) throw new Error('config');
    const parts = [outboundOf(config.value), new PublicUrl(config.value), config.value] as const;
    const said = [
      await new SlackChannel(...parts).send({ ...message, to: `${slack.url}/services/a/b/c` }, call),
      await new TeamsChannel(...parts).send({ ...message, to: `${teams.url}/webhookb2/a` }, call),
    ];
    expect(said.map(({ outcome }) => outcome)).toEqual(['refused', 'retry']);
    await slack.close();
    await teams.close();
  });
});
