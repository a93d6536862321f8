import type { FastifyInstance, FastifyReply, FastifyRequest, RouteOptions } from 'fastify';
import { Refused, refusal } from '../kernel/errors.ts';
import { newId } from '../kernel/ids.ts';
import type { Principal } from '../kernel/principal.ts';
import type { AccessService } from '../domain/access/access.service.ts';
import { may } from '../domain/access/permissions.ts';
import type { RouteConfig, RouteDeclaration } from '../domain/access/route.ts';
import type { MachineDoor } from '../domain/releases/machine-door.ts';
import type { PublicUrl } from '../platform/config/public-url.ts';
import type { Lifecycle } from '../platform/health/lifecycle.ts';
import { CORRELATION_ID, withCorrelation } from '../platform/log/log.ts';

declare module 'fastify' {
  interface FastifyRequest {
    correlationId: string;
    principal?: Principal;
  }
  interface Session {
    /** The account that signed in. */
    userId?: string;
  }
}

/** A route as it is registered, for those who must look at all of them. */
export interface RegisteredRoute {
  method: string;
  url: string;
  declaration?: RouteDeclaration;
}

const NOTHING_HERE = 'There is nothing here, or nothing that you may see.';
const SAFE = new Set(['GET', 'HEAD', 'OPTIONS']);

/**
 * Who may come in: decided before a body is read, from what the route declares and never from how its path looks, so that
 * no spelling of an address walks around it. Default deny: a route that declares nothing stops the start.
 */
export class Admission {
  readonly #noted: RouteOptions[] = [];
  #patterns: { at: RegExp; methods: string[] }[] | undefined;

  constructor(
    private readonly access: AccessService,
    private readonly door: MachineDoor,
    private readonly lifecycle: Lifecycle,
    private readonly serves: boolean,
    private readonly publicUrl: PublicUrl,
  ) {}

  /** Where people reach us, which a proxy in between may not say. */
  #ownHost(): string {
    const url = this.publicUrl.get();
    return URL.canParse(url) ? new URL(url).host : '';
  }

  /** Every route that was registered. */
  get routes(): RegisteredRoute[] {
    return this.#noted.flatMap((route) => {
      const declaration = (route.config as RouteConfig | undefined)?.countersign;
      return [route.method]
        .flat()
        .map((method) => ({ method, url: route.url, ...(declaration ? { declaration } : {}) }));
    });
  }

  /** The methods that an address takes; none: it is nowhere. */
  methodsAt(path: string): string[] {
    this.#patterns ??= this.#noted.map((route) => ({
      at: patternOf(route.url),
      methods: [route.method].flat(),
    }));
    const found = this.#patterns.filter(({ at }) => at.test(path)).flatMap(({ methods }) => methods);
    return [...new Set(found)].toSorted();
  }

  /** First hooks of a request: its correlation id, and the record of every route that is registered from here on. */
  announce(fastify: FastifyInstance): void {
    fastify.decorateRequest('correlationId', '');
    fastify.decorateRequest('principal', undefined);
    fastify.addHook('onRoute', (route) => this.#note(route));
    fastify.addHook('onRequest', (request, reply, done) => {
      const offered = request.headers['x-correlation-id'];
      request.correlationId = typeof offered === 'string' && CORRELATION_ID.test(offered) ? offered : newId();
      void reply.header('x-correlation-id', request.correlationId);
      withCorrelation(request.correlationId, done);
    });
  }

  #note(route: RouteOptions): void {
    const declaration = (route.config as RouteConfig | undefined)?.countersign;
    // Kept whole: a plug-in's own hook may declare for its routes after this one.
    this.#noted.push(route);
    if (!declaration) return;
    if (declaration.bodyLimit !== undefined) route.bodyLimit = declaration.bodyLimit;
    if (declaration.perMinute !== undefined) {
      const keyGenerator = (request: FastifyRequest) => request.principal?.id ?? request.ip;
      Object.assign(route.config as object, {
        rateLimit: { max: declaration.perMinute, timeWindow: 60_000, keyGenerator },
      });
    }
  }

  /** @throws Error naming every route without a declaration. */
  refuseUndeclared(): void {
    const silent = this.routes.filter(({ declaration }) => !declaration?.permission && !declaration?.open);
    if (silent.length === 0) return;
    const names = silent.map(({ method, url }) => `${method} ${url}`).join(', ');
    throw new Error(`routes declare neither a permission nor why they are public: ${names}`);
  }

  /** The decision itself; after the session's hook, before any body. */
  guard(fastify: FastifyInstance): void {
    fastify.addHook('onRequest', async (request) => {
      if (request.is404) return;
      const declared = (request.routeOptions.config as RouteConfig).countersign;
      if (!declared) throw new Refused(refusal('forbidden', 'undeclared-route', 'This is not permitted.'));
      if (!this.serves && !declared.everyProcess)
        throw new Refused(refusal('not_found', 'not-found', 'This process serves nobody.'));
      if (this.lifecycle.state !== 'up' && !SAFE.has(request.method)) throw closing();
      refuseUnkeepable(request);
      // Whoever is behind a link has no session: what its form proves, another site that learnt it could prove, too.
      if (declared.face === 'outside' && !SAFE.has(request.method) && isForeign(request, this.#ownHost()))
        throw new Refused(refusal('forbidden', 'foreign-form', 'This form did not come from our own page.'));
      if (declared.open === undefined || declared.face === 'console')
        request.principal = await this.#whoAsks(request, declared);
      if (declared.open !== undefined) return;
      if (!request.principal) throw new Refused(unauthenticated(declared));
      if (!declared.permission || !may(request.principal, declared.permission)) {
        throw new Refused(
          refusal('forbidden', 'forbidden', `This needs the permission ${declared.permission}.`),
        );
      }
    });
    // Behind the limit of the route, which is by address here: a refusal costs a place in the ledger.
    fastify.addHook('preParsing', async (request) => {
      const declared = (request.routeOptions.config as RouteConfig).countersign;
      if (request.is404 || !declared?.machines) return;
      const from = { correlationId: request.correlationId, ip: request.ip };
      const entered = await this.door.enter(request.headers.authorization, from);
      if (!entered.ok) throw new Refused(entered.error);
      request.principal = entered.value;
    });
    // A body is read by events of the socket, outside the context that the first hook opened.
    fastify.addHook('preHandler', (request, _reply, done) => withCorrelation(request.correlationId, done));
    fastify.addHook('preHandler', async (request) => {
      const declared = (request.routeOptions.config as RouteConfig).countersign;
      if (!request.is404 && declared?.face === 'console' && !SAFE.has(request.method))
        await refuseForgery(fastify, request, this.#ownHost());
    });
  }

  async #whoAsks(request: FastifyRequest, declared: RouteDeclaration): Promise<Principal | undefined> {
    const from = { correlationId: request.correlationId, ip: request.ip };
    if (declared.face === 'console') {
      const userId = request.session?.userId;
      return userId === undefined ? undefined : this.access.principalOfUser(userId, from);
    }
    const value = /^Bearer ([A-Za-z0-9_-]{20,200})$/i.exec(request.headers.authorization ?? '')?.[1];
    return value === undefined ? undefined : this.access.resolveToken(value, from);
  }
}

/** The addresses of a route: `:name` is one part of a path, `*` the rest of it. */
function patternOf(url: string): RegExp {
  const parts = url.split(/(:[A-Za-z]\w*|\*)/).map((part) => {
    if (part === '*') return '.*';
    return part.startsWith(':') ? '[^/]+' : part.replaceAll(/[.+?^${}()|[\]\\]/g, '\\$&');
  });
  return new RegExp(`^${parts.join('')}$`);
}

/** Postgres keeps no NUL, so that a name with one names nothing, and a parameter with one asks nothing. */
function refuseUnkeepable(request: FastifyRequest): void {
  const holds = (values: unknown) =>
    Object.values((values ?? {}) as Record<string, unknown>).some((value) =>
      String(value).includes('\u0000'),
    );
  if (holds(request.params)) throw new Refused(refusal('not_found', 'not-found', NOTHING_HERE));
  if (holds(request.query)) {
    const field = { field: 'query', problem: 'a parameter holds a NUL character', mend: 'Leave it out.' };
    throw new Refused(
      refusal('invalid', 'forbidden-character', 'A parameter is never taken.', { fields: [field] }),
    );
  }
}

function closing(): Refused {
  return new Refused(
    refusal('unavailable', 'stopping', 'The server is stopping or not fit for work; try again soon.', {
      retryAfter: 5_000,
    }),
  );
}

function unauthenticated(declared: RouteDeclaration) {
  return declared.face === 'console'
    ? refusal('unauthenticated', 'sign-in-needed', 'Please sign in.')
    : refusal(
        'unauthenticated',
        'unauthenticated',
        'This needs a bearer token that is known, unexpired and not revoked.',
      );
}

/**
 * A page's form must come from our own pages: the browser says so (Sec-Fetch-Site, Origin), and the token of the session
 * proves it.
 */
async function refuseForgery(
  fastify: FastifyInstance,
  request: FastifyRequest,
  ownHost: string,
): Promise<void> {
  const forged = refusal(
    'forbidden',
    'forged-request',
    'This form did not come from our own page, or the page is too old. Load it again.',
  );
  if (isForeign(request, ownHost)) throw new Refused(forged);
  await new Promise<void>((resolve, reject) => {
    // It answers through `send` when the token is missing or wrong; we would rather answer in our own words.
    const refusing = { send: () => reject(new Refused(forged)) } as unknown as FastifyReply;
    fastify.csrfProtection(request, refusing, resolve);
  });
}

/**
 * Whether the browser says that another site sent a form: by Sec-Fetch-Site, or by an Origin that is not ours. A page that
 * tells nobody where it is (no-referrer) has the origin "null".
 */
function isForeign({ headers, host }: FastifyRequest, ownHost: string): boolean {
  const site = headers['sec-fetch-site'];
  if (site !== undefined && site !== 'same-origin' && site !== 'none') return true;
  const { origin } = headers;
  if (origin === undefined || origin === 'null') return false;
  return !URL.canParse(origin) || ![host, ownHost].includes(new URL(origin).host);
}
