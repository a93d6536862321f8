import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page } from 'playwright-core';

const require = createRequire(import.meta.url);
const AXE = readFileSync(require.resolve('axe-core/axe.min.js'), 'utf8');
const EXECUTABLE = process.env['COUNTERSIGN_CHROMIUM'] ?? '/usr/bin/chromium';

/** Where pictures go, for people to look at; absent: none are taken. */
const PICTURES = process.env['COUNTERSIGN_SCREENSHOTS'];

export interface Finding {
  rule: string;
  impact: string;
  what: string;
  where: string[];
}

/** A real browser with a profile of its own. What it complains about is collected. */
export class TestBrowser {
  readonly complaints: string[] = [];

  private constructor(
    readonly context: BrowserContext,
    private readonly profile: string,
  ) {
    context.on('page', (page) => this.#listen(page));
    for (const page of context.pages()) this.#listen(page);
  }

  static async open(
    o: { scripts?: boolean; dark?: boolean; width?: number; height?: number } = {},
  ): Promise<TestBrowser> {
    const profile = await mkdtemp(join(tmpdir(), 'countersign-browser-'));
    const context = await chromium.launchPersistentContext(profile, {
      executablePath: EXECUTABLE,
      headless: true,
      args: [
        '--no-sandbox',
        '--disable-gpu',
        '--disable-quic',
        '--no-first-run',
        '--disable-background-networking',
        '--disable-component-update',
        '--disable-sync',
      ],
      viewport: { width: o.width ?? 1360, height: o.height ?? 900 },
      colorScheme: o.dark ? 'dark' : 'light',
      javaScriptEnabled: o.scripts ?? true,
    });
    return new TestBrowser(context, profile);
  }

  #listen(page: Page): void {
    page.on('console', (message) => {
      // Chromium reports its own blocked policies here, as errors.
      if (message.type() === 'error' || message.type() === 'warning') this.complaints.push(message.text());
    });
    page.on('pageerror', (error) => this.complaints.push(error.message));
  }

  async page(): Promise<Page> {
    return this.context.newPage();
  }

  async close(): Promise<void> {
    await this.context.close();
    await rm(this.profile, { recursive: true, force: true });
  }
}

/** What axe finds of serious or critical impact. It is evaluated in the page, where no policy of ours stands in its way. */
export async function axeFindings(page: Page): Promise<Finding[]> {
  await page.evaluate(AXE);
  return page.evaluate(async () => {
    type Violation = {
      id: string;
      impact: string;
      help: string;
      nodes: { target: string[]; failureSummary: string }[];
    };
    const { axe } = globalThis as unknown as {
      axe: { run(o: object): Promise<{ violations: Violation[] }> };
    };
    const { violations } = await axe.run({ resultTypes: ['violations'] });
    return violations
      .filter(({ impact }) => impact === 'serious' || impact === 'critical')
      .map(({ id, impact, help, nodes }) => ({
        rule: id,
        impact,
        what: help,
        where: nodes.map((node) => `${node.target.join(' ')}: ${node.failureSummary}`).slice(0, 5),
      }));
  });
}

/** What makes the page wider than its window, outside of anything that scrolls by itself. */
export async function overflowOf(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    type El = {
      tagName: string;
      className: unknown;
      textContent: string;
      parentElement: El | null;
      getBoundingClientRect(): { right: number };
      closest(selector: string): unknown;
    };
    const { document } = globalThis as unknown as {
      document: {
        documentElement: { scrollWidth: number; clientWidth: number };
        querySelectorAll(s: string): Iterable<El>;
      };
    };
    const { scrollWidth, clientWidth } = document.documentElement;
    if (scrollWidth <= clientWidth) return [];
    const wide = [...document.querySelectorAll('body *')].filter(
      (element) => element.getBoundingClientRect().right > clientWidth + 0.5 && !element.closest('.scroll'),
    );
    const said = wide.map(
      (element) => `${element.tagName} ${String(element.className)}: ${element.textContent.slice(0, 60)}`,
    );
    return said.length > 0 ? said.slice(-5) : [`${scrollWidth - clientWidth} pixels`];
  });
}

/** Every element that the Tab key reaches, in its order, as "button Approve". Ends after one round or 400 stops. */
export async function tabStops(page: Page): Promise<string[]> {
  const stops: string[] = [];
  await page.evaluate(() =>
    (globalThis as unknown as { scrollTo(x: number, y: number): void }).scrollTo(0, 0),
  );
  for (let at = 0; at < 400; at += 1) {
    await page.keyboard.press('Tab');
    const stop = await page.evaluate(() => {
      const { document } = globalThis as unknown as {
        document: {
          activeElement: {
            tagName: string;
            textContent: string;
            getAttribute(n: string): string | null;
          } | null;
          body: unknown;
        };
      };
      const element = document.activeElement;
      if (!element || element === document.body) return null;
      const name = element.getAttribute('aria-label') ?? element.getAttribute('name') ?? '';
      return `${element.tagName.toLowerCase()} ${(element.textContent.trim() || name).replaceAll(/\s+/g, ' ')}`;
    });
    if (stop === null) break;
    stops.push(stop);
  }
  return stops;
}

/** The page as it comes out of a printer, and how many sheets it takes. */
export async function printed(page: Page, name: string): Promise<{ sheets: number }> {
  await page.emulateMedia({ media: 'print' });
  const paper = await page.pdf({ preferCSSPageSize: true });
  await page.emulateMedia({ media: 'screen' });
  if (PICTURES) {
    await mkdir(PICTURES, { recursive: true });
    await writeFile(join(PICTURES, `${name}.pdf`), paper);
  }
  return { sheets: paper.toString('latin1').match(/\/Type\s*\/Page\b/g)?.length ?? 0 };
}

/** The page from its top, at most three windows of it. */
export async function picture(page: Page, name: string): Promise<void> {
  if (!PICTURES) return;
  await mkdir(PICTURES, { recursive: true });
  const { width, height } = page.viewportSize() ?? { width: 1360, height: 900 };
  const whole = await page.evaluate(
    () =>
      (globalThis as unknown as { document: { documentElement: { scrollHeight: number } } }).document
        .documentElement.scrollHeight,
  );
  await page.screenshot({
    path: join(PICTURES, `${name}.png`),
    fullPage: true,
    clip: { x: 0, y: 0, width, height: Math.min(whole, 3 * height) },
  });
}
