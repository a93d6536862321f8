import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from '@jest/globals';
import { createTransport } from 'nodemailer';
import { WorldClient } from '../client.ts';
import { startWorld } from '../world.ts';
import type { World } from '../world.ts';

let dir: string;
let world: World;
let client: WorldClient;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'mail-'));
  world = await startWorld({ dir });
  client = new WorldClient(world.descriptor);
});
afterAll(async () => {
  await world.close();
  await rm(dir, { recursive: true, force: true });
});
beforeEach(() => client.clearFaults());

let count = 0;
const send = (to: string | string[], text = 'Good morning.') =>
  createTransport(client.smtpUrl).sendMail({
    from: 'notices@countersign.example',
    to,
    subject: `Notice ${(count += 1)} für Sie`,
    messageId: `<notice-${count}@countersign.example>`,
    text,
    html: `<p>${text}</p>`,
  });

describe('the mail server', () => {
  test('puts a message into the mailbox of each recipient, as it came', async () => {
    await send(['Ada@Brightwater.example', 'bo@brightwater.example']);
    const [mail] = await client.mailbox('ada@brightwater.example');
    expect(mail).toMatchObject({
      envelope: {
        from: 'notices@countersign.example',
        to: ['ada@brightwater.example', 'bo@brightwater.example'],
      },
      messageId: `<notice-${count}@countersign.example>`,
      subject: `Notice ${count} für Sie`,
      answered: true,
    });
    const read = await client.readMail(mail?.id ?? '');
    expect(read.text.trim()).toBe('Good morning.');
    expect(read.raw).toContain(`Message-ID: <notice-${count}@countersign.example>`);
    expect(await client.mailboxes()).toContainEqual({ address: 'bo@brightwater.example', messages: 1 });
  });

  test('tempfail: 451 as often as told; reject: 550 for one address, for ever', async () => {
    await client.putFault({ target: 'mail', kind: 'tempfail', times: 1 });
    await expect(send('cy@brightwater.example')).rejects.toMatchObject({ responseCode: 451 });
    await send('cy@brightwater.example');
    await client.putFault({ target: 'mail', kind: 'reject', match: { address: 'gone@brightwater.example' } });
    await expect(send('gone@brightwater.example')).rejects.toMatchObject({ responseCode: 550 });
    await send('cy@brightwater.example');
    expect(await client.mailbox('cy@brightwater.example')).toHaveLength(2);
    expect(await client.mailbox('gone@brightwater.example')).toEqual([]);
    expect((await client.mail()).refusals.map((r) => [r.to[0], r.code])).toEqual([
      ['cy@brightwater.example', 451],
      ['gone@brightwater.example', 550],
    ]);
  });

  test('accept, then drop: the message is there, and its sender never hears of it', async () => {
    await client.putFault({ target: 'mail', kind: 'accept_then_drop', times: 1 });
    await expect(send('di@brightwater.example')).rejects.toThrow();
    expect(await client.mailbox('di@brightwater.example')).toMatchObject([{ answered: false }]);
    await send('di@brightwater.example');
    expect(await client.mailbox('di@brightwater.example')).toHaveLength(2);
  });

  test('down: nobody listens, and afterwards it answers on the same port', async () => {
    await client.putFault({ target: 'mail', kind: 'down' });
    await expect(send('ed@brightwater.example')).rejects.toMatchObject({ code: 'ESOCKET' });
    await client.clearFaults({ target: 'mail' });
    await send('ed@brightwater.example');
    expect(await client.mailbox('ed@brightwater.example')).toHaveLength(1);
  });

  test('refuses a message larger than it takes', async () => {
    await expect(send('ed@brightwater.example', 'x'.repeat(3_000_000))).rejects.toMatchObject({
      responseCode: 552,
    });
  });
});
