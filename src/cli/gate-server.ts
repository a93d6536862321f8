import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import { isId } from '../kernel/ids.ts';
import { SECOND } from '../kernel/time.ts';
import { gateFactsSchema, type GateFacts } from '../domain/policy/facts.schema.ts';
import { decisionSchema } from '../domain/policy/gate.schema.ts';
import type { GateReport } from '../domain/policy/report.rules.ts';
import { SystemClock } from '../platform/clock/clock.ts';
import { Outbound } from '../platform/http/outbound.ts';

const listSchema = z.object({
  integrations: z.array(z.object({ id: z.string(), reference: z.string(), name: z.string() })),
});
type Found = z.infer<typeof listSchema>['integrations'][number];

/** The recorded facts of an installation elsewhere, over its API. */
export class GateServer {
  readonly #base: URL;
  readonly #outbound: Outbound;

  /** @throws Refused when the address is none */
  constructor(
    url: string,
    private readonly token: string,
  ) {
    const base = URL.canParse(url) ? new URL(url) : undefined;
    if (!base || !['http:', 'https:'].includes(base.protocol))
      throw failed('bad-server', `${url} is no address of a server: write https://….`);
    this.#base = base;
    // Whoever typed the address meant it: a server on the own machine or network is no trap here.
    const port = base.port || (base.protocol === 'https:' ? '443' : '80');
    this.#outbound = new Outbound({ outboundAllow: [`${base.hostname}:${port}`] }, new SystemClock());
  }

  /** Undefined: the server knows no such integration, or does not show it. */
  async factsByKey(source: string, key: string): Promise<GateFacts | undefined> {
    const query = new URLSearchParams({ source, key });
    const { integrations } = await this.#get(`/api/v1/integrations?${query}`, listSchema);
    const [found] = integrations;
    return found && (await this.#get(`/api/v1/integrations/${found.id}/gate-facts`, gateFactsSchema));
  }

  /** A dry run there; it is recorded there. */
  async dryRun(named: string): Promise<GateReport> {
    const found = await this.#find(named);
    const decision = await this.#ask('POST', `/api/v1/integrations/${found.id}/gate`, decisionSchema);
    return {
      integration: found,
      verdict: decision.verdict,
      findings: decision.findings,
      policy: decision.policy,
      matrixHash: decision.matrix?.hash ?? null,
      evidence: decision.evidence.map((one) => ({ ...one, origin: 'recorded' as const })),
    };
  }

  async #find(named: string): Promise<Found> {
    const given: unknown = named;
    if (isId(given)) return this.#get(`/api/v1/integrations/${given}`, listSchema.shape.integrations.element);
    const { integrations } = await this.#get(
      `/api/v1/integrations?${new URLSearchParams({ text: named })}`,
      listSchema.extend({
        integrations: z.array(listSchema.shape.integrations.element.extend({ key: z.string().nullable() })),
      }),
    );
    const exact = integrations.filter((one) => one.reference === named || one.key === named);
    const [found, another] = exact.length > 0 ? exact : integrations;
    if (!found) throw failed('no-integration', `The server knows no integration ${named}.`);
    if (another) throw failed('many-integrations', `${named} names several integrations: give a reference.`);
    return found;
  }

  #get<T>(path: string, schema: z.ZodType<T>): Promise<T> {
    return this.#ask('GET', path, schema);
  }

  async #ask<T>(method: 'GET' | 'POST', path: string, schema: z.ZodType<T>): Promise<T> {
    const url = new URL(path, this.#base);
    const answer = await this.#outbound.request({
      method,
      url: url.href,
      headers: {
        authorization: `Bearer ${this.token}`,
        accept: 'application/json',
        ...(method === 'POST' ? { 'idempotency-key': randomUUID() } : {}),
      },
      timeout: 30 * SECOND,
      maxBytes: 20_000_000,
    });
    if (!answer.ok) throw failed('server-unreachable', `${this.#base.origin} did not answer: ${answer.why}.`);
    if (answer.status === 401 || answer.status === 403)
      throw failed(
        'server-refused',
        `${this.#base.origin} does not let this token ask: it answered ${answer.status}.`,
      );
    if (answer.status === 404) throw failed('no-integration', 'The server knows no such integration.');
    if (answer.status >= 300)
      throw failed(
        'server-refused',
        `${this.#base.origin} answered ${answer.status} to ${method} ${url.pathname}.`,
      );
    try {
      return schema.parse(JSON.parse(answer.body.toString('utf8')));
    } catch {
      throw failed(
        'server-strange',
        `${this.#base.origin} gave an answer to ${url.pathname} that is none of ours.`,
      );
    }
  }
}

/** Not judged: neither a pass nor a refusal. */
function failed(code: string, message: string): Refused {
  return new Refused(refusal('invalid', code, message));
}
