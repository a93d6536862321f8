/** The suppliers of the mass bench, in a process of their own: what they cost is not the product's. */
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { FromSuppliers, SupplierStats, ToSuppliers } from './suppliers.ts';

/** Answers after its latency, counts how many it answers at once, and can stop answering at all. */
class Supplier {
  readonly #server: Server;
  readonly #dead = new Set<string>();
  readonly #held = new Set<() => void>();
  #now = 0;
  stats: SupplierStats = { most: 0, calls: 0 };
  silent = false;

  constructor(
    public latency: number,
    own: string,
  ) {
    this.#server = createServer((asked, answer) => {
      this.stats.calls += 1;
      this.#now += 1;
      this.stats.most = Math.max(this.stats.most, this.#now);
      answer.on('close', () => (this.#now -= 1));
      if (this.silent) {
        const end = () => asked.socket.destroy();
        this.#held.add(end);
        answer.on('close', () => this.#held.delete(end));
        return;
      }
      setTimeout(() => {
        if (asked.method === 'DELETE') {
          this.#dead.add(asked.url!.split('/').at(-1)!.slice('key_'.length));
          answer.writeHead(204).end();
          return;
        }
        const key = String(asked.headers['dd-api-key']);
        const live = key === own || key === 'control' || !this.#dead.has(key.split('-')[1] ?? '');
        answer
          .writeHead(live ? 200 : 403, { 'content-type': 'application/json' })
          .end(live ? '{"valid":true}' : '{"errors":["Forbidden"]}');
      }, this.latency);
    });
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  stop(): void {
    for (const end of this.#held) end();
    this.#server.closeAllConnections();
    this.#server.close();
  }
}

const tell = (said: FromSuppliers) => process.send!(said);
let suppliers: Supplier[] = [];

process.on('message', (asked: ToSuppliers) => {
  void (async () => {
    switch (asked.kind) {
      case 'start':
        suppliers = Array.from({ length: asked.many }, () => new Supplier(asked.latency, asked.own));
        return tell({ kind: 'hosts', hosts: await Promise.all(suppliers.map((one) => one.start())) });
      case 'limp':
        suppliers[asked.slow]!.latency = asked.latency;
        suppliers[asked.dead]!.silent = true;
        return tell({ kind: 'done' });
      case 'stats': {
        const stats = suppliers.map((one) => one.stats);
        for (const one of suppliers) one.stats = { most: 0, calls: 0 };
        const { user, system } = process.cpuUsage();
        return tell({ kind: 'stats', stats, cpu: (user + system) / 1e3 });
      }
    }
  })();
});
process.on('disconnect', () => {
  for (const one of suppliers) one.stop();
  process.exit();
});
