import { createServer, type Server } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { setImmediate as turn } from 'node:timers/promises';
import type { TLSSocket } from 'node:tls';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { AUTHORITY, SERVER, TRUSTED_CLIENT, UNKNOWN_CLIENT } from '../../../test/support/certificates.ts';
import { Secret } from '../../kernel/secret.ts';
import { SystemClock } from '../clock/clock.ts';
import { problemOf, readPem, shownOf } from './client-certificate.ts';
import { Outbound } from './outbound.ts';

const shown = (client: string | null, authorities: string | null = AUTHORITY) =>
  shownOf({
    ...(client === null ? {} : { client_certificate: Secret.of(client) }),
    ...(authorities === null ? {} : { server_authorities: Secret.of(authorities) }),
  });

describe('a supplier with mutual TLS', () => {
  let server: Server;
  let outbound: Outbound;
  let url: string;
  const sockets = new Set<Socket>();

  beforeEach(async () => {
    server = createServer(
      { ...SERVER, ca: AUTHORITY, requestCert: true, rejectUnauthorized: true },
      (request, response) =>
        response.end((request.socket as TLSSocket).getPeerCertificate().subject?.CN ?? 'nobody'),
    );
    server.on('secureConnection', (socket: Socket) => sockets.add(socket));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as AddressInfo;
    url = `https://127.0.0.1:${port}/`;
    outbound = new Outbound({ outboundAllow: [`127.0.0.1:${port}`] }, new SystemClock());
    sockets.clear();
  });
  afterEach(async () => {
    await outbound.close();
    server.closeAllConnections();
    server.close();
  });
  const ask = (more: Parameters<typeof shown> | null, path = url) =>
    outbound.request({
      method: 'GET',
      url: path,
      timeout: 5000,
      maxBytes: 1000,
      ...(more ? { shown: shown(...more) } : {}),
    });

  test('is shown our certificate, and trusted by the authority that was named for it', async () => {
    const answer = await ask([TRUSTED_CLIENT]);
    expect(answer).toMatchObject({ ok: true, status: 200 });
    expect(answer.ok && answer.body.toString()).not.toBe('nobody');
  });

  test('takes several requests over one connection, and none of them carries over to who shows nothing', async () => {
    await ask([TRUSTED_CLIENT]);
    // A connection is free one turn of the loop after its answer.
    await turn();
    await ask([TRUSTED_CLIENT]);
    expect(sockets.size).toBe(1);
    expect(await ask([null])).toMatchObject({ ok: false });
    expect(await ask(null)).toMatchObject({ ok: false, failure: 'tls' });
  });

  test.each([
    ['a certificate that it does not know', UNKNOWN_CLIENT, AUTHORITY],
    ['none', null, AUTHORITY],
    ['one, and is itself of an authority that nobody named', TRUSTED_CLIENT, null],
  ])('that is shown %s gives no answer, and so no verdict', async (_what, client, authorities) => {
    const answer = await ask([client, authorities]);
    expect(answer.ok).toBe(false);
    if (!answer.ok) expect(answer.why).not.toMatch(/PRIVATE|BEGIN/);
  });

  test('is never shown it over plain http', async () => {
    const { port } = server.address() as AddressInfo;
    expect(await ask([TRUSTED_CLIENT], `http://127.0.0.1:${port}/`)).toMatchObject({
      ok: false,
      failure: 'refused_by_guard',
      sent: false,
    });
  });
});

describe('what a connection keeps for it', () => {
  test('is a key with its own certificate, in either order, and never a stranger’s', () => {
    const [key] = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(TRUSTED_CLIENT)!;
    const certificate = TRUSTED_CLIENT.replace(key, '');
    expect(readPem(`${certificate}\n${key}`)).toEqual(readPem(TRUSTED_CLIENT));
    const [other] = /-----BEGIN PRIVATE KEY-----[^-]+-----END PRIVATE KEY-----/.exec(UNKNOWN_CLIENT)!;
    for (const bad of [certificate, key, `${other}\n${certificate}`, 'text', ''])
      expect(problemOf('client_certificate', Secret.of(bad))).toMatch(/^is no PEM/);
    expect(problemOf('client_certificate', Secret.of(TRUSTED_CLIENT))).toBeUndefined();
  });

  test('is certificates, of authorities', () => {
    expect(problemOf('server_authorities', Secret.of(AUTHORITY))).toBeUndefined();
    for (const bad of ['text', AUTHORITY.replace('MIIB', 'AAAA')])
      expect(problemOf('server_authorities', Secret.of(bad))).toBe('is no PEM of certificates');
    expect(shownOf({})).toBeUndefined();
  });
});
