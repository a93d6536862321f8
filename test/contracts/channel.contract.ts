import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Channel, OutgoingMessage } from '../../src/domain/notices/channel.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { parseConfig } from '../../src/platform/config/config.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { Mailer } from '../../src/platform/mail/mailer.ts';
import { MailChannel } from '../../src/plugins/channels/mail/mail.channel.ts';
import { channels } from '../../src/plugins/channels/registry.ts';
import { MailServer } from '../support/mail-server.ts';

/** A peer that a test tells how to behave, and that tells what it was given. */
interface Peer {
  address: string;
  foreignAddresses: string[];
  behave(how: 'accept' | 'refuse recipient' | 'busy' | 'hang up after the message' | 'down'): Promise<void>;
  received: { to: string[]; messageId: string; subject: string; text: string }[];
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

/** How to play the other side of each channel; a channel without one fails here. */
const peers: Record<string, () => Promise<Peer>> = { MailChannel: mailPeer };

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
    const answer = await peer.channel().send({ ...message, to: peer.address }, call);
    expect(answer.outcome).toBe('accepted');
    expect(peer.received).toHaveLength(1);
    expect(peer.received[0]).toMatchObject({ to: [peer.address], messageId: `<${message.messageId}>` });
    expect(peer.received[0]!.text.replaceAll('\r\n', '\n')).toContain(message.text);
    expect(peer.received[0]!.subject).toBe('NTC-2026-0001: credential exposure Bcc: b@evil.example');
  });

  test('the same message again carries the same id', async () => {
    const channel = peer.channel();
    await channel.send({ ...message, to: peer.address }, call);
    await channel.send({ ...message, to: peer.address }, call);
    expect(new Set(peer.received.map((one) => one.messageId)).size).toBe(1);
  });

  test('a refusal for good is told from one for now, and both from silence', async () => {
    await peer.behave('refuse recipient');
    expect((await peer.channel().send({ ...message, to: peer.address }, call)).outcome).toBe('refused');
    await peer.behave('busy');
    expect((await peer.channel().send({ ...message, to: peer.address }, call)).outcome).toBe('retry');
    await peer.behave('hang up after the message');
    expect((await peer.channel().send({ ...message, to: peer.address }, call)).outcome).toBe('unknown');
    await peer.behave('down');
    expect((await peer.channel().send({ ...message, to: peer.address }, call)).outcome).toBe('retry');
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
  expect((await allowed.send({ ...message, to: peer.address }, call)).outcome).toBe('accepted');
  const config = parseConfig({ COUNTERSIGN_SMTP_URL: 'smtp://127.0.0.1:1025' });
  if (!config.ok) throw new Error('config');
  const guarded = new MailChannel(new Mailer(config.value, new Outbound(config.value, new SystemClock())));
  const answer = await guarded.send({ ...message, to: peer.address }, call);
  expect(answer.outcome).toBe('retry');
  expect(answer.peerAnswer).toMatch(/COUNTERSIGN_OUTBOUND_ALLOW/);
  await peer.close();
});
