import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import type { Writable } from 'node:stream';
import fastifyCookie from '@fastify/cookie';
import fastifyCsrf from '@fastify/csrf-protection';
import fastifyHelmet from '@fastify/helmet';
import fastifyRateLimit from '@fastify/rate-limit';
import fastifySession from '@fastify/session';
import fastifyStatic from '@fastify/static';
import {
  Global,
  Module,
  type DynamicModule,
  type OnApplicationShutdown,
  type Provider,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { LogController, type FastifyInstance } from 'fastify';
import { DataSource } from 'typeorm';
import { Refused, refusal } from './kernel/errors.ts';
import { SECOND } from './kernel/time.ts';
import { refuseAddress, refuseUnreadable } from './api/address-refusals.ts';
import { Admission } from './api/admission.ts';
import { readBodiesAsDeclared } from './api/body.ts';
import { IdempotencyInterceptor } from './api/idempotency.interceptor.ts';
import { refuseKnownValues } from './api/known-values.ts';
import { OpenApi } from './api/openapi.ts';
import { ProblemFilter } from './api/problem.filter.ts';
import { ValidationPipe } from './api/validation.pipe.ts';
import { AppModule } from './app.module.ts';
import { problemOnPage } from './console/shared/problem.view.tsx';
import { dataSourceOptions } from './data-source.ts';
import { AccessService } from './domain/access/access.service.ts';
import { SESSION_IDLE, SessionStore } from './domain/access/session-store.ts';
import { KnownValues } from './domain/credentials/known-values.service.ts';
import { MachineDoor } from './domain/releases/machine-door.ts';
import { Clock, SystemClock } from './platform/clock/clock.ts';
import type { Config } from './platform/config/config.ts';
import { speakPlainly } from './platform/config/plain-problems.ts';
import { PublicUrl } from './platform/config/public-url.ts';
import { CONFIG } from './platform/config/token.ts';
import { assertMigrated } from './platform/database/migrate.ts';
import { Transactions } from './platform/database/transactions.ts';
import { Lifecycle } from './platform/health/lifecycle.ts';
import { endSilentConnections } from './platform/health/silent-connections.ts';
import { Outbound } from './platform/http/outbound.ts';
import { Log, NestLog, createLog } from './platform/log/log.ts';
import { Mailer } from './platform/mail/mailer.ts';
import { Metrics } from './platform/metrics/metrics.ts';
import { Duties } from './platform/queue/duties.ts';
import { Relay } from './platform/queue/relay.ts';
import { Keys } from './platform/signing/keys.ts';

export interface AppSettings {
  /** With `databaseUrl` set: an embedded server is started before, by whoever stops it after. */
  config: Config;
  /** Production: the system's. Tests move one of their own. */
  clock?: Clock;
  /** A command does neither of what a server does: it serves nobody and leaves the work to the server. */
  duties?: Duties;
  /** Where log lines go; by default standard output. */
  logTo?: Writable;
  /** Providers in place of those that this file gives: the clock, the log, the keys. */
  overrides?: Provider[];
  /** Modules beside those of `app.module.ts`. */
  modules?: Type[];
}

/** Connections of the application's own pool; with the queue's and the sweeps' at most 16 a process. */
const POOL = 6;

export function dutiesOf(role: Config['role']): Duties {
  return { serves: role !== 'worker', works: role !== 'web' };
}

/**
 * The application for main, commands and tests: wired, connected and initialised, but not listening. `close()` stops it in
 * order, the database last.
 *
 * @throws Refused or Error before anything is left open
 */
export async function createApp(settings: AppSettings): Promise<NestFastifyApplication> {
  const { config } = settings;
  speakPlainly();
  if (!config.databaseUrl) throw new Error('createApp needs a database: start the embedded one first');
  const log = createLog(config, settings.logTo);
  const keys = Keys.open(config);
  const dataSource = new DataSource(
    dataSourceOptions(config.databaseUrl, {
      max: POOL,
      onError: (thrown) => log.warn({ err: thrown }, 'an idle database connection died'),
    }),
  );
  await dataSource.initialize();
  let app: NestFastifyApplication | undefined;
  try {
    await assertMigrated(dataSource);
    app = await NestFactory.create<NestFastifyApplication>(
      AppRoot.with(settings, log, dataSource, keys),
      new FastifyAdapter({
        loggerInstance: log,
        // One line a request, written when it is answered.
        logController: new LogController({ disableRequestLogging: true }),
        trustProxy: config.trustProxy?.split(/[\s,]+/).filter(Boolean) ?? false,
        bodyLimit: 1_000_000,
        // Beyond the time that a body has: whoever is too slow is told so by whoever reads it.
        requestTimeout: Math.max(30, config.bodySeconds + 15) * SECOND,
        connectionTimeout: 60 * SECOND,
        keepAliveTimeout: 65 * SECOND,
        routerOptions: { maxParamLength: 200 },
        frameworkErrors: refuseAddress,
        clientErrorHandler: refuseUnreadable,
        // HEAD is GET without the body, under the same declaration (RFC 9110, section 9.3.2).
        exposeHeadRoutes: true,
        forceCloseConnections: 'idle',
      }),
      { logger: new NestLog(log), bodyParser: false, abortOnError: false },
    );
    const admission = new Admission(
      app.get(AccessService),
      app.get(MachineDoor),
      app.get(Lifecycle),
      app.get(Duties).serves,
      app.get(PublicUrl),
    );
    endSilentConnections(app.getHttpServer(), app.get(Lifecycle));
    await equip(app, config, admission, log);
    app.useGlobalPipes(new ValidationPipe());
    app.useGlobalFilters(new ProblemFilter(log, problemOnPage, (path) => admission.methodsAt(path)));
    app.useGlobalInterceptors(new IdempotencyInterceptor(app.get(Transactions), app.get(Clock)));
    app.get(OpenApi).from(app, () => admission.routes);
    await app.init();
    await app.getHttpAdapter().getInstance().ready();
    admission.refuseUndeclared();
    appRoutes.set(app, admission);
    return app;
  } catch (thrown) {
    await app
      ?.close()
      .catch((second: unknown) =>
        log.error({ err: second }, 'the application could not be closed after its start had failed'),
      );
    if (dataSource.isInitialized) await dataSource.destroy();
    throw thrown;
  }
}

const appRoutes = new WeakMap<NestFastifyApplication, Admission>();

/** Every route of an application with its declaration. */
export function routesOf(app: NestFastifyApplication): Admission['routes'] {
  return appRoutes.get(app)?.routes ?? [];
}

@Global()
@Module({})
class AppRoot implements OnApplicationShutdown {
  constructor(
    private readonly relay: Relay,
    private readonly dataSource: DataSource,
  ) {}

  /**
   * The end of a stop. Before it Nest has ended, in this order, intake and event streams (`onModuleDestroy`), workers and
   * sweeps (`beforeApplicationShutdown`), and HTTP. Now the last rows go out, the queues close, and the database goes:
   * whoever still needs it uses one of the two earlier hooks.
   */
  async onApplicationShutdown(): Promise<void> {
    await this.relay.stop();
    if (this.dataSource.isInitialized) await this.dataSource.destroy();
  }

  static with(settings: AppSettings, log: Log, dataSource: DataSource, keys: Keys): DynamicModule {
    const { config, duties = dutiesOf(config.role) } = settings;
    const given: Provider[] = [
      { provide: CONFIG, useValue: config },
      { provide: Clock, useValue: settings.clock ?? new SystemClock() },
      { provide: Log, useValue: log },
      {
        provide: Metrics,
        useValue: duties.serves || duties.works ? new Metrics().withProcess() : new Metrics(),
      },
      { provide: DataSource, useValue: dataSource },
      {
        provide: Transactions,
        useValue: new Transactions(dataSource, (err) =>
          log.warn({ err }, 'two transactions took locks crosswise; one of them runs again'),
        ),
      },
      { provide: Duties, useValue: duties },
      { provide: Keys, useValue: keys },
      { provide: PublicUrl, useValue: new PublicUrl(config) },
      {
        provide: Mailer,
        inject: [Outbound],
        useFactory: (outbound: Outbound) => new Mailer(config, outbound),
      },
      ...(settings.overrides ?? []),
    ];
    return {
      module: AppRoot,
      imports: [AppModule, ...(settings.modules ?? [])],
      providers: given,
      exports: given,
    };
  }
}

/** What stands between the socket and the handlers. The order matters. */
async function equip(
  app: NestFastifyApplication,
  config: Config,
  admission: Admission,
  log: Log,
): Promise<void> {
  const fastify = app.getHttpAdapter().getInstance() as unknown as FastifyInstance;
  admission.announce(fastify);
  readBodiesAsDeclared(fastify, config.bodySeconds * SECOND);
  await fastify.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        formAction: ["'self'"],
        baseUri: ["'none'"],
        // A mail beside its text; no other page lets itself be framed.
        frameSrc: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Links in mails carry a token: nothing of them may travel on.
    referrerPolicy: { policy: 'no-referrer' },
    strictTransportSecurity: config.publicUrl?.startsWith('https:') ? { maxAge: 31_536_000 } : false,
  });
  await fastify.register(fastifyRateLimit, {
    global: false,
    errorResponseBuilder: (_request, limit) =>
      new Refused(
        refusal('too_many', 'too-many-requests', 'Too many requests; try again later.', {
          retryAfter: limit.ttl,
        }),
      ),
  });
  await fastify.register(fastifyCookie);
  const store = app.get(SessionStore);
  const secret = app.get(Keys).sessionSecret();
  await fastify.register(fastifySession, {
    secret: secret.useBytes((bytes) => bytes.toString('base64')),
    cookieName: config.insecureCookies ? 'cs_sid' : '__Host-cs_sid',
    saveUninitialized: false,
    rolling: true,
    store,
    cookie: {
      httpOnly: true,
      sameSite: 'lax',
      secure: !config.insecureCookies,
      maxAge: SESSION_IDLE,
      path: '/',
    },
  });
  await fastify.register(fastifyCsrf, {
    sessionPlugin: '@fastify/session',
    getToken: (request) => {
      const header = request.headers['x-csrf-token'];
      const field = (request.body as { _csrf?: unknown } | undefined)?._csrf;
      return typeof header === 'string' ? header : typeof field === 'string' ? field : '';
    },
  });
  admission.guard(fastify);
  refuseKnownValues(fastify, app.get(KnownValues));
  await fastify.register(async (assets) => {
    assets.addHook('onRoute', (route) => {
      route.config = {
        ...route.config,
        countersign: { face: 'api', open: 'scripts and styles are the same for everybody' },
      } as typeof route.config;
    });
    const htmx = dirname(createRequire(import.meta.url).resolve('htmx.org/package.json'));
    await assets.register(fastifyStatic, {
      root: `${htmx}/dist`,
      prefix: '/assets/htmx/',
      immutable: true,
      maxAge: '1y',
      index: false,
      decorateReply: false,
    });
  });
  fastify.addHook('onResponse', (request, reply, done) => {
    log.info(
      {
        method: request.method,
        route: request.routeOptions?.url ?? 'none',
        status: reply.statusCode,
        ms: Math.round(reply.elapsedTime),
        by: request.principal?.id,
      },
      'answered',
    );
    done();
  });
}
