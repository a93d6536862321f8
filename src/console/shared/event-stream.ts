import type { FastifyReply } from 'fastify';

/** One reader of server-sent events (HTML, "Server-sent events"). Headers of the reply, our policies among them, go along. */
export class EventStream {
  readonly #ended = new Set<() => void>();
  #open = true;
  #full = false;

  constructor(private readonly reply: FastifyReply) {
    reply.hijack();
    const { raw } = reply;
    for (const [name, value] of Object.entries(reply.getHeaders()))
      if (value !== undefined) raw.setHeader(name, value);
    raw.writeHead(200, {
      'content-type': 'text/event-stream; charset=utf-8',
      'cache-control': 'no-store',
      // Proxies that buffer would hold every message back.
      'x-accel-buffering': 'no',
    });
    raw.on('close', () => this.end());
    raw.on('drain', () => (this.#full = false));
    raw.on('error', () => this.end());
    raw.flushHeaders();
  }

  /** Whether a message would be taken now. A reader that does not keep up gets the newest state later, not a backlog. */
  get ready(): boolean {
    return this.#open && !this.#full;
  }

  send(html: string): void {
    if (!this.#open) return;
    const lines = html.split('\n').map((line) => `data: ${line}\n`);
    this.#full = !this.reply.raw.write(`${lines.join('')}\n`);
  }

  /** @param then called once, when the stream ends from either side */
  onEnd(then: () => void): void {
    if (this.#open) this.#ended.add(then);
    else then();
  }

  end(): void {
    if (!this.#open) return;
    this.#open = false;
    this.reply.raw.end();
    for (const then of this.#ended) then();
    this.#ended.clear();
  }
}
