import { createServer as createHttp, type Server } from 'node:http';
import { createServer as createHttps } from 'node:https';
import { connect, createServer as createTcp, type AddressInfo, type Server as TcpServer } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Webhook } from 'standardwebhooks';
import { parse } from 'yaml';
import type { Call, Target } from '../../src/domain/revocation/connector.ts';
import { Connectors } from '../../src/domain/revocation/connectors.ts';
import { deathOf } from '../../src/domain/revocation/death.rules.ts';
import { Secret } from '../../src/kernel/secret.ts';
import { SystemClock } from '../../src/platform/clock/clock.ts';
import { templatesFolder } from '../../src/platform/config/templates.ts';
import { readPem } from '../../src/platform/http/client-certificate.ts';
import { Outbound } from '../../src/platform/http/outbound.ts';
import { ClientCertificateConnector } from '../../src/plugins/connectors/client-certificate/client-certificate.connector.ts';
import { DeclarativeHttpConnector } from '../../src/plugins/connectors/declarative-http/declarative-http.connector.ts';
import { WebhookSecretConnector } from '../../src/plugins/connectors/webhook-secret/webhook-secret.connector.ts';
import { AUTHORITY, SERVER, TRUSTED_CLIENT, UNKNOWN_CLIENT } from '../support/certificates.ts';

/** What is verified by our own systems, or by the customer's: tried where it is verified, and nowhere else. */

const call = (): Call => ({ idempotencyKey: 'step:1', signal: AbortSignal.timeout(10_000), now: Date.now });
const sighting = (answer: { verdict: 'live' | 'dead' | 'indeterminate' }) => ({
  verdict: answer.verdict,
  at: Date.now(),
  path: 'p',
});
const judged = (probe: Parameters<typeof sighting>[0], control: Parameters<typeof sighting>[0] | null) =>
  deathOf({
    probe: sighting(probe),
    control: control && sighting(control),
    beforeRevoke: null,
    revokedAt: null,
    ownAuthentication: null,
    now: Date.now() + 1,
  }).verdict;

let outbound: Outbound;
let servers: (Server | TcpServer)[] = [];
const portOf = (server: TcpServer | Server) => (server.address() as AddressInfo).port;
async function listening<T extends Server | TcpServer>(server: T): Promise<T> {
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return server;
}
const guarded = (...ports: number[]) => {
  outbound = new Outbound({ outboundAllow: ports.map((port) => `127.0.0.1:${port}`) }, new SystemClock());
  return outbound;
};
function settingsOf(outboundOf: Outbound, preset: string): unknown {
  const connectors = new Connectors([
    new WebhookSecretConnector(outboundOf),
    new ClientCertificateConnector(outboundOf),
    new DeclarativeHttpConnector(outboundOf),
  ]);
  const checked = connectors.check(
    parse(readFileSync(join(templatesFolder('connectors'), `${preset}.yaml`), 'utf8')),
  );
  if (!checked.ok) throw new Error(JSON.stringify(checked.error));
  return checked.value.settings;
}

beforeEach(() => {
  servers = [];
});
afterEach(async () => {
  await outbound.close();
  for (const server of servers) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

describe('a webhook secret', () => {
  const OLD = `whsec_${Buffer.alloc(32, 1).toString('base64')}`;
  const NEW = `whsec_${Buffer.alloc(32, 2).toString('base64')}`;
  let accepted: string[];
  let says: number | null;
  let seen: { id: string; type: string }[];
  let connector: WebhookSecretConnector;
  let target: (secret: string | null, more?: object) => Target<never>;

  beforeEach(async () => {
    [accepted, says, seen] = [[NEW], null, []];
    const receiver = await listening(
      createHttp((request, response) => {
        const chunks: Buffer[] = [];
        request.on('data', (chunk: Buffer) => chunks.push(chunk));
        request.on('end', () => {
          const body = Buffer.concat(chunks).toString('utf8');
          const { type } = JSON.parse(body) as { type: string };
          seen.push({ id: String(request.headers['webhook-id']), type });
          const good = accepted.some((secret) => {
            try {
              new Webhook(secret).verify(body, request.headers as Record<string, string>);
              return true;
            } catch {
              return false;
            }
          });
          response.writeHead(says ?? (good ? 204 : 401), { 'retry-after': '9' }).end();
        });
      }),
    );
    connector = new WebhookSecretConnector(guarded(portOf(receiver)));
    const settings = settingsOf(outbound, 'webhook-secret');
    target = (secret, more = {}) =>
      ({
        settings: { ...(settings as object), ...more },
        baseUrl: `http://127.0.0.1:${portOf(receiver)}`,
        auth: {},
        credentialKind: 'webhook_secret',
        supplierId: null,
        value: secret === null ? null : Secret.of(secret),
      }) as unknown as Target<never>;
  });

  test('is dead when its receiver refuses an event signed with it, while it accepts the one in use', async () => {
    accepted = [OLD, NEW];
    const before = await connector.probe(target(OLD), call());
    expect(before.verdict).toBe('live');
    accepted = [NEW];
    const refused = await connector.probe(target(OLD), call());
    const control = await connector.probe(target(NEW), call());
    expect([refused.verdict, control.verdict]).toEqual(['dead', 'live']);
    expect(judged(refused, control)).toBe('dead');
    expect(seen.map(({ type }) => type)).toEqual(Array(3).fill('countersign.test'));
    expect(new Set(seen.map(({ id }) => id)).size).toBe(3);
  });

  test('is not dead at a receiver that refuses everything, nor without a control', async () => {
    accepted = [];
    const [refused, control] = [
      await connector.probe(target(OLD), call()),
      await connector.probe(target(NEW), call()),
    ];
    expect(judged(refused, control)).toBe('indeterminate');
    expect(judged(refused, null)).toBe('indeterminate');
  });

  test.each([400, 404, 410, 429, 500, 302])('is neither by an answer %s', async (status) => {
    says = status;
    const told = await connector.probe(target(OLD), call());
    expect(told.verdict).toBe('indeterminate');
    expect(told.retryAfter).toBe(status === 429 ? 9000 : undefined);
  });

  test('that is not in the form that is set for it is not tried; its value is in no answer', async () => {
    const raw = 'a plain text secret, which is no base64!';
    const told = await connector.probe(target(raw), call());
    expect(told).toMatchObject({ verdict: 'indeterminate', exchange: null });
    expect(seen).toEqual([]);
    const tried = await connector.probe(target(raw, { secretFormat: 'raw' }), call());
    expect(tried.verdict).toBe('dead');
    expect(JSON.stringify([told, tried, await connector.probe(target(OLD), call())])).not.toMatch(
      /plain text secret|AQEBAQEB/,
    );
  });

  test('is not tried where no statuses of a signature are named', () => {
    const { settings } = target(OLD, { refusedWith: [404] });
    expect(connector.settings.safeParse(settings).success).toBe(false);
  });
});

describe('a client certificate', () => {
  let trusts: boolean;
  let verifier: Server;
  let port: number;
  const trusting = (trust: () => boolean) =>
    createHttps(
      { ...SERVER, ca: AUTHORITY, requestCert: true, rejectUnauthorized: false },
      (request, response) => {
        const known = (request.socket as TLSSocket).authorized || trust();
        response.writeHead(known ? 200 : 403).end();
      },
    );

  beforeEach(async () => {
    trusts = false;
    verifier = await listening(trusting(() => trusts) as unknown as Server);
    port = portOf(verifier);
  });

  function made(o: { others?: number[]; inUse?: string | null; value?: string; base?: number } = {}) {
    const others = o.others ?? [];
    const connector = new ClientCertificateConnector(guarded(port, ...others, ...(o.base ? [o.base] : [])));
    const target = {
      settings: {
        ...(settingsOf(outbound, 'client-certificate') as object),
        otherVerifiers: others.map((other) => `https://127.0.0.1:${other}/`),
        verifierAuthorities: AUTHORITY,
      },
      baseUrl: `https://127.0.0.1:${o.base ?? port}/`,
      auth: o.inUse === null ? {} : { certificate_in_use: Secret.of(o.inUse ?? TRUSTED_CLIENT) },
      credentialKind: 'client_certificate',
      supplierId: null,
      value: Secret.of(o.value ?? UNKNOWN_CLIENT),
    } as unknown as Target<never>;
    return { connector, target };
  }

  test('lives where a verifier accepts it, and is dead where it refuses it and accepts the one in use', async () => {
    trusts = true;
    const { connector, target } = made();
    expect((await connector.probe(target, call())).verdict).toBe('live');
    trusts = false;
    const dead = await connector.probe(target, call());
    expect(dead.verdict).toBe('dead');
    expect(dead.exchange?.extract).toContain(`127.0.0.1:${port}: refused with 403; the one in use: accepted`);
    expect(await connector.checkOwnAuthentication(target, call())).toMatchObject({ verdict: 'live' });
    expect(JSON.stringify(dead)).not.toContain('PRIVATE KEY');
  });

  test('is dead only where every verifier refuses it', async () => {
    let other = true;
    const second = await listening(trusting(() => other) as unknown as Server);
    const { connector, target } = made({ others: [portOf(second)] });
    const half = await connector.probe(target, call());
    expect(half.verdict).toBe('live');
    expect(half.why).toContain(`127.0.0.1:${portOf(second)}: accepted`);
    other = false;
    expect((await connector.probe(target, call())).verdict).toBe('dead');
  });

  test('is refused by an alert, and dead by it with the control at the same verifier', async () => {
    // The first connection is ended as OpenSSL does it: fatal, unknown_ca. What comes after goes to the verifier.
    let first = true;
    const front = await listening(
      createTcp((socket) => {
        socket.on('error', () => undefined);
        if (!first) {
          const onward = connect(port, '127.0.0.1').on('error', () => undefined);
          socket.pipe(onward).pipe(socket);
          return;
        }
        first = false;
        socket.once('data', () => socket.end(Buffer.from([0x15, 0x03, 0x03, 0x00, 0x02, 0x02, 0x30])));
      }),
    );
    const { connector, target } = made({ base: portOf(front) });
    const told = await connector.probe(target, call());
    expect(told).toMatchObject({ verdict: 'dead', why: expect.stringContaining('alert: unknown authority') });
  });

  test('is neither where the one in use is refused too, is not on record, or a verifier just hangs up', async () => {
    const refusing = made({ inUse: UNKNOWN_CLIENT });
    expect((await refusing.connector.probe(refusing.target, call())).verdict).toBe('indeterminate');
    expect((await refusing.connector.checkOwnAuthentication(refusing.target, call())).verdict).toBe('dead');
    await outbound.close();
    const unknown = made({ inUse: null });
    expect((await unknown.connector.probe(unknown.target, call())).verdict).toBe('indeterminate');
    await outbound.close();
    const silent = await listening(createTcp((socket) => socket.once('data', () => socket.destroy())));
    const hung = made({ others: [portOf(silent)] });
    const told = await hung.connector.probe(hung.target, call());
    expect(told.verdict).toBe('indeterminate');
    await outbound.close();
    // A server that is not the verifier says nothing about the certificate.
    const stranger = made();
    const foreign = {
      ...stranger.target,
      settings: { ...(stranger.target.settings as object), verifierAuthorities: undefined },
    };
    expect((await stranger.connector.probe(foreign as never, call())).verdict).toBe('indeterminate');
  });

  test('goes through the guard, and only as a key that fits its certificate', async () => {
    const { target } = made();
    const blocked = new ClientCertificateConnector(guarded());
    expect(await blocked.probe(target, call())).toMatchObject({
      verdict: 'indeterminate',
      why: expect.stringContaining('refused_by_guard'),
    });
    const key = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/;
    expect(readPem(TRUSTED_CLIENT)).toBeDefined();
    expect(readPem(TRUSTED_CLIENT.replace(key, key.exec(UNKNOWN_CLIENT)![0]))).toBeUndefined();
    expect(readPem('no certificate')).toBeUndefined();
  });
});

describe('a supplier that wants mutual TLS beside its own credential', () => {
  test('is asked with the connection’s certificate; without it nothing is dead', async () => {
    const supplier = await listening(
      createHttps(
        { ...SERVER, ca: AUTHORITY, requestCert: true, rejectUnauthorized: true },
        (request, response) =>
          request.headers['dd-api-key'] === 'live'
            ? response.writeHead(200, { 'content-type': 'application/json' }).end('{"valid":true}')
            : response.writeHead(403, { 'content-type': 'application/json' }).end('{"errors":["Forbidden"]}'),
      ),
    );
    const connector = new DeclarativeHttpConnector(guarded(portOf(supplier)));
    const settings = settingsOf(outbound, 'datadog');
    const probe = (value: string, auth: Record<string, string>) =>
      connector.probe(
        {
          settings,
          baseUrl: `https://127.0.0.1:${portOf(supplier)}`,
          auth: Object.fromEntries(
            Object.entries({ server_authorities: AUTHORITY, ...auth }).map(([name, text]) => [
              name,
              Secret.of(text),
            ]),
          ),
          credentialKind: 'api_key',
          supplierId: null,
          value: Secret.of(value),
        } as unknown as Target<never>,
        call(),
      );
    const shown = { client_certificate: TRUSTED_CLIENT };
    expect((await probe('live', shown)).verdict).toBe('live');
    expect((await probe('revoked', shown)).verdict).toBe('dead');
    for (const auth of [{}, { client_certificate: UNKNOWN_CLIENT }])
      expect((await probe('revoked', auth as Record<string, string>)).verdict).toBe('indeterminate');
  });
});
