import { test } from '@jest/globals';
import { Console } from './console.ts';
import { incidentScene } from './incident-scene.ts';
import { portfolioScene } from './scene.ts';
test.each(['none', 'room'])('close %s', async (what) => {
  const site = await Console.start();
  const ids = await portfolioScene(site.scene);
  await incidentScene(site.scene, ids, site.world.app);
  const { email } = await site.account('Rita', 'responder');
  const page = await site.browser.page();
  await site.signIn(page, email, '/');
  if (what === 'room') { await page.goto(`${site.url}/incidents/INC-2026-0007`); await site.until(async () => site.viewers() > 0); }
  const t = Date.now();
  await site.world.app.close();
  process.stderr.write(`${what} closed in ${Date.now() - t}\n` + site.world.log.lines.slice(-12).map((l) => l.slice(0, 300)).join('\n') + '\n');
  await site.close();
}, 200_000);
