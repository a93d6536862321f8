import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import type { Page } from 'playwright-core';
import { AccessService } from '../../src/domain/access/access.service.ts';
import { Rooms } from '../../src/console/incidents/rooms.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Secret } from '../../src/kernel/secret.ts';
import type { Config } from '../../src/platform/config/config.ts';
import { startApp, type TestApp } from '../support/app.ts';
import { axeFindings, overflowOf, picture, TestBrowser } from '../support/browser.ts';
import { CANARY, Scene } from './scene.ts';

export const PASSWORD = 'correct horse battery staple';

/** Reloads a page, after what it is still going to: Chromium refuses to in the middle of it. */
export async function afresh(page: Page): Promise<void> {
  await page.waitForLoadState();
  await page.reload();
}

/** The application on a free port, with a browser in front of it. */
export class Console {
  #plain: TestBrowser | undefined;

  private constructor(
    readonly world: TestApp,
    private readonly folder: string,
    readonly url: string,
    readonly scene: Scene,
    readonly browser: TestBrowser,
  ) {}

  static async start(config: Partial<Config> = {}): Promise<Console> {
    const folder = await mkdtemp(join(tmpdir(), 'countersign-pages-'));
    const world = await startApp({ config: { dataFolder: folder, ...config } });
    await world.app.listen(0, '127.0.0.1');
    const { port } = world.app.getHttpServer().address() as AddressInfo;
    const scene = await Scene.open(world.database.ownerUrl, world.clock.now());
    return new Console(world, folder, `http://127.0.0.1:${port}`, scene, await TestBrowser.open());
  }

  async close(): Promise<void> {
    await this.#plain?.close();
    await this.browser.close();
    await this.scene.close();
    await this.world.close();
    await rm(this.folder, { recursive: true, force: true });
  }

  /** Waits on a state of the application, not on time. */
  async until(holds: () => Promise<boolean>): Promise<void> {
    const deadline = Date.now() + 20_000;
    while (!(await holds())) {
      if (Date.now() > deadline) throw new Error('waited for 20 s in vain');
      await new Promise((resolve) => setImmediate(resolve));
    }
  }

  /** How many look at rooms. */
  viewers(): number {
    return this.world.app.get(Rooms).viewers;
  }

  /** A page of somebody who is signed in as in the browser, without scripts. */
  async plainPage(): Promise<Page> {
    this.#plain ??= await TestBrowser.open({ scripts: false });
    await this.#plain.context.addCookies(await this.browser.context.cookies());
    return this.#plain.page();
  }

  async account(
    name: string,
    ...o: (Role | { partyId: string })[]
  ): Promise<{ email: string; userId: string }> {
    const roles = o.filter((one) => typeof one === 'string');
    const partyId = o.find((one) => typeof one === 'object')?.partyId ?? null;
    const email = `${name.toLowerCase()}@aurora.example`;
    const made = await this.world.app
      .get(AccessService)
      .createUser({ email, name, roles, partyId, password: Secret.of(PASSWORD) }, system('test', 'test'));
    return { email, userId: expectOk(made).userId };
  }

  async signIn(page: Page, email: string, next = '/'): Promise<void> {
    await page.goto(`${this.url}/sign-in?next=${encodeURIComponent(next)}`);
    await page.fill('[name=email]', email);
    await page.fill('[name=password]', PASSWORD);
    await Promise.all([page.waitForURL(`${this.url}${next}`), page.click('main button[type=submit]')]);
  }

  /**
   * What holds of every page: no serious finding of axe, nothing wider than its window, no complaint of the browser, no
   * value of a secret. Takes its pictures on the way: wide, on a phone, dark.
   */
  async judge(page: Page, name: string): Promise<void> {
    await picture(page, name);
    expect(await axeFindings(page)).toEqual([]);
    expect(await overflowOf(page)).toEqual([]);
    await page.emulateMedia({ colorScheme: 'dark' });
    expect(await axeFindings(page)).toEqual([]);
    await picture(page, `${name}-dark`);
    await page.emulateMedia({ colorScheme: 'light' });
    await page.setViewportSize({ width: 360, height: 780 });
    expect(await overflowOf(page)).toEqual([]);
    expect(await axeFindings(page)).toEqual([]);
    await picture(page, `${name}-phone`);
    await page.emulateMedia({ media: 'print' });
    await picture(page, `${name}-print`);
    await page.emulateMedia({ media: 'screen' });
    await page.setViewportSize({ width: 1360, height: 900 });
    await this.judgeText(page);
    expect(this.bugs()).toEqual([]);
    expect(this.browser.complaints).toEqual([]);
  }

  /** Requests that ended in an unknown error. */
  bugs(): string[] {
    return this.world.log.lines.filter((line) => line.includes('a request ended in an unknown error'));
  }

  /** No value of a secret, however written. */
  async judgeText(page: Page): Promise<void> {
    const html = await page.content();
    for (const needle of [CANARY, Buffer.from(CANARY).toString('base64'), encodeURIComponent(CANARY)])
      expect(html).not.toContain(needle);
  }
}
