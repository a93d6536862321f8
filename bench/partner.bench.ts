import { generateKeyPairSync, sign } from 'node:crypto';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { Agent, request } from 'undici';
import { benchApp, benchSource } from './app.ts';
import type { BenchPlace } from './place.ts';

const LARGEST = 10 * 1024 * 1024;
const MB = 1024 * 1024;

/** As large as one may be: some 60,000 found tokens. */
function bodyOf(n: number): Buffer {
  const parts: string[] = [];
  for (let size = 2, at = 0; ; at++) {
    const part = JSON.stringify({
      token: `tok_${n}_${String(at).padStart(40, 'abcdef')}`,
      type: 'acme_api_key',
      url: `https://github.com/octo/repo-${at}/blob/main/src/config.ts`,
      source: 'content',
    });
    size += part.length + 1;
    if (size > LARGEST) return Buffer.from(`[${parts.join(',')}]`);
    parts.push(part);
  }
}

/** The most memory that the process held, seen from a thread of its own: the main one has no time to look. */
class Peak {
  readonly #seen = new SharedArrayBuffer(8);
  readonly #view = new Float64Array(this.#seen);
  readonly #thread = new Worker(
    `const { workerData } = require('node:worker_threads'); const seen = new Float64Array(workerData);
     setInterval(() => { const now = process.memoryUsage.rss(); if (now > seen[0]) seen[0] = now; }, 2);`,
    { eval: true, workerData: this.#seen },
  );

  begin(): void {
    this.#view[0] = process.memoryUsage.rss();
  }

  get bytes(): number {
    return this.#view[0]!;
  }

  async end(): Promise<void> {
    await this.#thread.terminate();
  }
}

/** What the largest message of GitHub to a partner costs the process that takes it: memory, and time in which it does nothing else. */
export async function partnerBench(place: BenchPlace): Promise<void> {
  const world = await benchApp(place, { name: 'partner', settings: { COUNTERSIGN_ROLE: 'web' } });
  const { url } = world;
  const agent = new Agent({ connections: 8, headersTimeout: 120_000 });
  const peak = new Peak();
  try {
    const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const list = [{ key_identifier: 'bench', key: publicKey.export({ type: 'spki', format: 'pem' }) }];
    await benchSource(world, {
      key: 'partner',
      kind: 'github-partner',
      name: 'Partner',
      keys: [JSON.stringify({ public_keys: list })],
    });
    const send = async (body: Buffer) => {
      const answer = await request(`${url}/api/v1/intake/partner`, {
        method: 'POST',
        dispatcher: agent,
        headers: {
          'content-type': 'application/json',
          'github-public-key-identifier': 'bench',
          'github-public-key-signature': sign('sha256', body, {
            key: privateKey,
            dsaEncoding: 'der',
          }).toString('base64'),
        },
        body,
      });
      const said = await answer.body.text();
      if (answer.statusCode !== 202) throw new Error(`${answer.statusCode}: ${said}`);
    };
    await send(Buffer.from('[{"token":"warm","type":"t","url":""}]'));
    for (const [words, bodies] of [
      ['one of 10 MB', [bodyOf(0)]],
      ['four of 10 MB at once', [1, 2, 3, 4].map(bodyOf)],
    ] as const) {
      globalThis.gc?.();
      await delay(200);
      const idle = process.memoryUsage.rss();
      peak.begin();
      const stalls = monitorEventLoopDelay({ resolution: 5 });
      stalls.enable();
      const began = performance.now();
      await Promise.all(bodies.map(send));
      const took = performance.now() - began;
      stalls.disable();
      const over = peak.bytes - idle;
      place.figure(`${words}: memory over idle`, over / MB, 'MB');
      place.figure(`${words}: memory to the bodies (goal at most 8)`, over / bodies.length / LARGEST, '×');
      place.figure(`${words}: longest time without anything else`, stalls.max / 1e6, 'ms');
      place.figure(`${words}: answered after`, took, 'ms');
    }
  } finally {
    await peak.end();
    await agent.close();
    await world.close();
  }
}
