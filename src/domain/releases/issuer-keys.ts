import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Outbound } from '../../platform/http/outbound.ts';
import type { PublicJwk } from './assertion-keys.ts';

const discovery = z.object({ issuer: z.string(), jwks_uri: z.url() });
const jwk = z.discriminatedUnion('kty', [
  z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() }),
  z.object({ kty: z.literal('EC'), crv: z.literal('P-256'), x: z.string(), y: z.string() }),
  z.object({ kty: z.literal('RSA'), n: z.string(), e: z.string() }),
]);
const named = z.object({ kid: z.string() });
const jwks = z.object({ keys: z.array(z.unknown()).max(100) });

interface Known {
  at: Millis;
  keys: ReadonlyMap<string, PublicJwk>;
}

/** How long an issuer's keys are believed; a key that is missing is asked for again after the shorter time. */
const BELIEVED: Millis = 10 * MINUTE;
const ASKED_AGAIN_AFTER: Millis = 30 * SECOND;

/** The keys of those who vouch for workloads (OpenID Connect Discovery 1.0), fetched through the guarded way out. */
@Injectable()
export class IssuerKeys {
  readonly #known = new Map<string, Known>();

  constructor(
    private readonly outbound: Outbound,
    private readonly clock: Clock,
  ) {}

  /** @returns undefined when the issuer has no such key, or does not answer as it should */
  async find(issuer: string, kid: string | undefined): Promise<PublicJwk | undefined> {
    const now = this.clock.now();
    let known = this.#known.get(issuer);
    const missing = kid !== undefined && known?.keys.has(kid) === false;
    if (!known || now - known.at > BELIEVED || (missing && now - known.at > ASKED_AGAIN_AFTER)) {
      known = { at: now, keys: (await this.#fetch(issuer)) ?? known?.keys ?? new Map() };
      if (this.#known.size > 1000) this.#known.clear();
      this.#known.set(issuer, known);
    }
    if (kid !== undefined) return known.keys.get(kid);
    return known.keys.size === 1 ? [...known.keys.values()][0] : undefined;
  }

  async #fetch(issuer: string): Promise<Map<string, PublicJwk> | undefined> {
    const found = discovery.safeParse(
      await this.#json(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`),
    );
    if (!found.success || found.data.issuer !== issuer) return undefined;
    const set = jwks.safeParse(await this.#json(found.data.jwks_uri));
    if (!set.success) return undefined;
    const keys = new Map<string, PublicJwk>();
    for (const [at, one] of set.data.keys.entries()) {
      const key = jwk.safeParse(one);
      // Kinds of keys that we do not take are left out, not fatal: issuers publish several.
      if (key.success) keys.set(named.safeParse(one).data?.kid ?? `#${at}`, key.data);
    }
    return keys;
  }

  async #json(url: string): Promise<unknown> {
    const answer = await this.outbound.request({
      method: 'GET',
      url,
      headers: { accept: 'application/json' },
      timeout: 5 * SECOND,
      maxBytes: 256 * 1024,
    });
    if (!answer.ok || answer.status !== 200) return undefined;
    try {
      return JSON.parse(answer.body.toString('utf8'));
    } catch {
      return undefined;
    }
  }
}
