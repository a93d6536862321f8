import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, sign } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { linkCode, linkToken } from '../../src/domain/notices/notice-link.rules.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { HOUR } from '../../src/kernel/time.ts';
import { Keys } from '../../src/platform/signing/keys.ts';
import { overflowOf, picture, tabStops, TestBrowser } from '../support/browser.ts';
import { Console } from './console.ts';
import { incidentScene, type IncidentScene } from './incident-scene.ts';
import { portfolioScene, type PortfolioScene } from './scene.ts';

let site: Console;
let ids: PortfolioScene;
let made: IncidentScene;

beforeAll(async () => {
  site = await Console.start();
  ids = await portfolioScene(site.scene);
  made = await incidentScene(site.scene, ids, site.world.app);
}, 120_000);
afterAll(() => site.close());

function link(expiresAt = site.world.clock.now() + HOUR): string {
  const claims = { noticeId: made.notices.customer, contactId: ids.contacts.nora, expiresAt };
  return `${site.url}/n/${linkToken(claims, site.world.app.get(Keys).linkKey())}`;
}

/** As it stands in the mail, beside the link. */
const code = (address = link()) =>
  linkCode(address.slice(address.lastIndexOf('/') + 1), site.world.app.get(Keys).linkKey());

const acknowledgements = async () =>
  (await site.scene.client.query<{ n: number }>('SELECT count(*)::int AS n FROM acknowledgement')).rows[0]!.n;

/** What the page is to the person: no script, nothing but the link. */
async function visitor(): Promise<TestBrowser> {
  return TestBrowser.open({ scripts: false });
}

describe('the page behind the link of a notice', () => {
  test('scanners may open it as often as they like: nothing is acknowledged', async () => {
    for (let n = 0; n < 3; n += 1) {
      const entered = await fetch(link(), { redirect: 'manual' });
      expect(entered.status).toBe(303);
      const path = entered.headers.get('location')!;
      expect(path).toMatch(/^\/notice\/[0-9a-f]{24}$/);
      expect(entered.headers.get('cache-control')).toBe('no-store');
      expect(entered.headers.get('referrer-policy')).toBe('no-referrer');
      const cookie = entered.headers.get('set-cookie') ?? '';
      expect(cookie).toMatch(
        new RegExp(`^cs_notice=[\\w-]{96}; Max-Age=3600; Path=${path}; HttpOnly; SameSite=Lax$`),
      );
      const shown = await fetch(`${site.url}${path}`, { headers: { cookie: cookie.split(';')[0]! } });
      expect(shown.status).toBe(200);
    }
    const head = await fetch(link(), { method: 'HEAD', redirect: 'manual' });
    expect([head.status, head.headers.get('location')]).toEqual([303, expect.stringMatching(/^\/notice\//)]);
    expect(await acknowledgements()).toBe(0);
  });

  test('two notices that are open side by side keep to their own', async () => {
    const browser = await visitor();
    try {
      const open = async (noticeId: Id) => {
        const claims = { noticeId, contactId: ids.contacts.nora, expiresAt: site.world.clock.now() + HOUR };
        const page = await browser.page();
        await page.goto(`${site.url}/n/${linkToken(claims, site.world.app.get(Keys).linkKey())}`);
        return page;
      };
      const another = newId();
      await site.scene.client.query(
        `INSERT INTO notice SELECT (jsonb_populate_record(n, jsonb_build_object('id', $2::uuid, 'reference', 'NTC-2026-0778',
                'idempotency_key', $2::text, 'message_id', $2::text, 'language', 'de', 'sent_subject', 'Eine andere Sache', 'sent_text', 'Ein anderer Text'))).*
           FROM notice n WHERE id = $1`,
        [made.notices.customer, another],
      );
      const first = await open(made.notices.customer);
      const title = await first.locator('h1').innerText();
      const second = await open(another);
      expect(second.url()).not.toBe(first.url());
      expect(await second.locator('h1').innerText()).not.toBe(title);
      // What stands around a notice is in its language, too.
      expect(await second.locator('html').getAttribute('lang')).toBe('de');
      expect(await second.locator('main').innerText()).toMatch(
        /Diese Mitteilung bestätigen[^]*Ihr Vor- und Nachname/,
      );
      await second.fill('[name=name]', 'Nora Visser');
      await second.fill('[name=code]', '0');
      await second.getByRole('button', { name: 'Bestätigen' }).click();
      expect(await second.locator('main').innerText()).toContain('Geben Sie die sechs Ziffern ein');
      await first.reload();
      expect(await first.locator('h1').innerText()).toBe(title);
    } finally {
      await browser.close();
    }
  });

  test('a form from elsewhere, or without what the page gave, acknowledges nothing', async () => {
    const { headers } = await fetch(link(), { redirect: 'manual' });
    const [cookie, path] = [headers.get('set-cookie')!.split(';')[0]!, headers.get('location')!];
    const html = await (await fetch(`${site.url}${path}`, { headers: { cookie } })).text();
    const value = (field: string) => new RegExp(`name="${field}" value="([^"]+)"`).exec(html)![1]!;
    const send = (fields: Record<string, string>) =>
      fetch(`${site.url}${path}`, {
        method: 'POST',
        redirect: 'manual',
        headers: { cookie },
        body: new URLSearchParams(fields),
      });
    const good = {
      name: 'Nora Visser',
      code: code(),
      text_hash: value('text_hash'),
      proof: value('proof'),
    };
    expect((await send({ ...good, proof: '' })).status).toBe(403);
    expect((await send({ ...good, proof: `${good.proof.slice(0, -2)}AA` })).status).toBe(403);
    expect((await send({ ...good, text_hash: '00'.repeat(32) })).status).toBe(409);
    expect((await send({ ...good, name: ' ' })).status).toBe(422);
    // A scanner that sends the form as it finds it, or fills in whatever it holds.
    expect((await send({ ...good, name: '', code: '' })).status).toBe(422);
    for (const junk of ['test', '123456', 'test@example.com', good.text_hash.slice(0, 12)])
      expect((await send({ ...good, name: 'test', code: junk === code() ? '0' : junk })).status).toBe(422);
    expect(await acknowledgements()).toBe(0);
  });

  test('expired, forged and missing links say what to do', async () => {
    const open = async (url: string) => {
      const { headers } = await fetch(url, { redirect: 'manual' });
      const cookie = headers.get('set-cookie')?.split(';')[0] ?? '';
      return fetch(`${site.url}${headers.get('location') ?? ''}`, { headers: { cookie } });
    };
    const expired = await open(link(site.world.clock.now() - 1));
    expect(expired.status).toBe(410);
    expect(await expired.text()).toContain('This link has ended');
    const forged = await open(`${link().slice(0, -4)}AAAA`);
    expect(forged.status).toBe(404);
    expect(await forged.text()).toContain('What you can do');
    expect((await fetch(`${site.url}/notice/${'0'.repeat(24)}`)).status).toBe(404);
  });

  test('on a phone, without scripts: read, type a name, acknowledge; and it says so ever after', async () => {
    const browser = await visitor();
    try {
      const page = await browser.page();
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(link());
      expect(page.url()).toMatch(/\/notice\/[0-9a-f]{24}$/);
      const text = await page.locator('main').innerText();
      expect(text).toContain('Ledger read key');
      // Nothing of the room, of other parties, or of other notices.
      expect(text).not.toMatch(/INC-2026|Ledger write key|Fjord|Quartz|Ann Meyer/);
      await page.fill('[name=name]', 'Nora Visser');
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      // The browser itself asks for the code of the message.
      expect(await acknowledgements()).toBe(0);
      await page.fill('[name=code]', code());
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      expect(await page.locator('main').innerText()).toMatch(/acknowledged\s+by Nora Visser/);
      expect(await acknowledgements()).toBe(1);
      await page.goto(link());
      expect(await page.locator('main').innerText()).toContain('What happens next on your side?');
      await page.fill('[name=next]', 'We rotate the key tonight');
      await page.getByRole('button', { name: 'Say so' }).click();
      const after = await page.locator('main').innerText();
      expect(after).toContain('Next on your side: We rotate the key tonight');
      // Times in words and in the reader's zone.
      expect(after).toMatch(/day,? \d+ \w+ \d{4},? \d\d:\d\d \([A-Z]\w+(\/[\w ]+)?\), /);
      expect(after).not.toMatch(/\d{4}-\d\d-\d\d[T ]\d\d:/);
    } finally {
      await browser.close();
    }
  });

  test('says which answer ends the duty, takes a weaker one on record, and a signature as enough', async () => {
    const { client } = site.scene;
    const pair = generateKeyPairSync('ed25519');
    const [noticeId, now] = [newId(), site.world.clock.date()];
    const { rows } = await client.query<{ partyId: string }>(
      `SELECT party_id AS "partyId" FROM contact WHERE id = $1`,
      [ids.contacts.nora],
    );
    const { userId } = await site.account('Nadia', 'party_contact', rows[0]!);
    await client.query(
      `INSERT INTO signing_key (id, party_id, contact_id, public_key, fingerprint, registered_by, registered_at)
       SELECT $1, party_id, id, $3, $4, $6, $5 FROM contact WHERE id = $2`,
      [
        newId(),
        ids.contacts.nora,
        pair.publicKey.export({ type: 'spki', format: 'pem' }),
        Buffer.alloc(32, 3),
        site.scene.ago(HOUR),
        userId,
      ],
    );
    await client.query(
      `INSERT INTO notice SELECT (jsonb_populate_record(n, jsonb_build_object('id', $2::uuid, 'reference', 'NTC-2026-0777',
              'idempotency_key', $2::text, 'message_id', $2::text, 'receipt', 'none', 'acknowledged_at', NULL, 'timeliness', 'open', 'decided_at', NULL,
              'fulfilled_by', 'acknowledged', 'fulfilled_at', NULL, 'least_strength', 'detached_signature', 'created_at', $3::timestamptz))).*
         FROM notice n WHERE id = $1`,
      [made.notices.customer, noticeId, now],
    );
    const claims = {
      noticeId,
      contactId: ids.contacts.nora,
      expiresAt: site.world.clock.now() + 30 * 24 * HOUR,
    };
    const token = linkToken(claims, site.world.app.get(Keys).linkKey());
    const sixDigits = linkCode(token, site.world.app.get(Keys).linkKey());
    const standing = async () =>
      (
        await client.query<{ receipt: string; fulfilled: boolean; strengths: string[] }>(
          `SELECT n.receipt, n.fulfilled_at IS NOT NULL AS fulfilled,
                  (SELECT coalesce(array_agg(a.strength ORDER BY a.strength), '{}') FROM acknowledgement a WHERE a.notice_id = n.id) AS strengths
             FROM notice n WHERE n.id = $1`,
          [noticeId],
        )
      ).rows[0];
    const browser = await visitor();
    try {
      const page = await browser.page();
      await page.setViewportSize({ width: 390, height: 844 });
      await page.goto(`${site.url}/n/${token}`);
      expect(await page.locator('main').innerText()).toContain(
        'To end this, give a signature with a key of your own.',
      );
      await page.fill('[name=name]', 'Nora Visser');
      await page.fill('[name=code]', sixDigits);
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      const open = await page.locator('[role=status]').innerText();
      expect(open).toMatch(/still open\s+Nora Visser said .* that it reached you, and that is on record/);
      expect(await standing()).toEqual({ receipt: 'delivered', fulfilled: false, strengths: ['mailbox'] });
      await picture(page, 'notice-link-too-weak');
      expect(await overflowOf(page)).toEqual([]);

      const [file] = await Promise.all([
        page.waitForEvent('download'),
        page.getByRole('link', { name: 'notice.json' }).click(),
      ]);
      const document = await readFile(await file.path());
      const signature = (bytes: Buffer) => sign(null, bytes, pair.privateKey).toString('base64');
      await page.fill('[name=name]', 'Nora Visser');
      await page.fill('[name=code]', sixDigits);
      await page.fill('[name=signature]', signature(Buffer.from('another text')));
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      expect(await page.locator('#signature-error').innerText()).toContain('sign exactly its bytes');
      await page.fill('[name=signature]', signature(document));
      await page.getByRole('button', { name: 'Acknowledge' }).click();
      expect(await page.locator('main').innerText()).toMatch(
        /acknowledged\s+by Nora Visser.*\(a signature with a key of your own\)/,
      );
      expect(await standing()).toEqual({
        receipt: 'acknowledged',
        fulfilled: true,
        strengths: ['detached_signature', 'mailbox'],
      });
    } finally {
      await browser.close();
    }
    const { email } = await site.account('Olga', 'responder');
    const page = await site.browser.page();
    await site.signIn(page, email, '/notices/NTC-2026-0777');
    expect(await page.locator('main').innerText()).toMatch(/Nora Visser \(detached signature\)/);
    await site.judge(page, 'notice-signed');
    await client.query('DELETE FROM acknowledgement WHERE notice_id = $1', [noticeId]);
    await client.query('DELETE FROM notice WHERE id = $1', [noticeId]);
  }, 120_000);

  test('is readable by everybody, and reached by the keyboard', async () => {
    await site.scene.client.query('DELETE FROM acknowledgement');
    await site.scene.client.query(
      `UPDATE notice SET acknowledged_at = NULL, receipt = 'none' WHERE id = $1`,
      [made.notices.customer],
    );
    const page = await site.browser.page();
    await page.goto(link());
    expect(await tabStops(page)).toEqual(['input name', 'input code', 'input next', 'button Acknowledge']);
    await site.judge(page, 'notice-link');
    await page.goto(link(site.world.clock.now() - 1));
    site.browser.complaints.length = 0; // the browser reports the 410 itself
    await site.judge(page, 'notice-link-ended');
  });
});
