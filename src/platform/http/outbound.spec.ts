import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createTls } from 'node:https';
import { createServer as createTcp, type AddressInfo, type Server as TcpServer } from 'node:net';
import { brotliCompressSync, gzipSync } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { Secret } from '../../kernel/secret.ts';
import { SystemClock } from '../clock/clock.ts';
import { visible } from './redactor.ts';
import { Outbound, type OutboundAnswer, type OutboundRequest } from './outbound.ts';

type Handler = (request: IncomingMessage, response: ServerResponse) => void;
const open: (Server | TcpServer)[] = [];
let outbound: Outbound;

async function listening(server: Server | TcpServer, host = '127.0.0.1'): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, host, resolve));
  open.push(server);
  return (server.address() as AddressInfo).port;
}
const http = (handler: Handler) => listening(createServer(handler));

function dialling(ports: number[], options: ConstructorParameters<typeof Outbound>[2] = {}): Outbound {
  outbound = new Outbound(
    { outboundAllow: ports.map((port) => `127.0.0.1:${port}`) },
    new SystemClock(),
    options,
  );
  return outbound;
}
async function asked(port: number, more: Partial<OutboundRequest> = {}): Promise<OutboundAnswer> {
  return dialling([port]).request({
    method: 'GET',
    url: `http://127.0.0.1:${port}/`,
    timeout: 5000,
    maxBytes: 100_000,
    ...more,
  });
}
function failure(answer: OutboundAnswer) {
  return answer.ok ? `answered ${answer.status}` : answer.failure;
}

beforeEach(() => void dialling([]));
afterEach(async () => {
  for (const server of open.splice(0)) {
    if ('closeAllConnections' in server) server.closeAllConnections();
    server.close();
  }
  await outbound.close();
});

describe('the guard', () => {
  const hidden = [
    'https://localhost/',

    'https://127.0.0.1/',
    'https://[::1]/',
    'https://[::ffff:127.0.0.1]/',
    'https://[::ffff:7f00:1]/',
    'https://2130706433/',
    'https://0x7f.1/',
    'https://0177.0.0.1/',
    'https://127.1/',
    'https://169.254.169.254/latest/meta-data',
    'https://0.0.0.0/',
    'https://[::]/',
    'https://[64:ff9b::7f00:1]/',
    'https://[2002:7f00:1::]/',
    'https://10.0.0.1/',
    'https://192.168.0.1/',
    'https://[fd00::1]/',
    'https://[fe80::1]/',
    'ftp://example.com/',
    'file:///etc/passwd',
    'gopher://127.0.0.1/',
    'https://user:pass@example.com/',
  ];
  test.each(hidden)('refuses %s', async (url) => {
    const answer = await outbound.request({ method: 'GET', url, timeout: 2000, maxBytes: 100 });
    expect(failure(answer)).toBe('refused_by_guard');
    expect(answer).toMatchObject({ sent: false });
  });

  test('lets loopback through for the exact host:port only', async () => {
    let calls = 0;
    const port = await http((_request, response) => {
      calls++;
      response.end('hello');
    });
    const request = { method: 'GET', timeout: 2000, maxBytes: 100 };
    expect(failure(await outbound.request({ ...request, url: `http://127.0.0.1:${port}/` }))).toBe(
      'refused_by_guard',
    );
    expect(calls).toBe(0);
    const allowed = dialling([port]);
    expect(failure(await allowed.request({ ...request, url: `http://127.0.0.1:${port}/` }))).toBe(
      'answered 200',
    );
    for (const host of ['localhost', '127.0.0.2', '[::ffff:127.0.0.1]', '0.0.0.0', '[::1]']) {
      expect(failure(await allowed.request({ ...request, url: `http://${host}:${port}/` }))).toBe(
        'refused_by_guard',
      );
      expect(failure(await allowed.request({ ...request, url: `https://${host}:${port}/` }))).toBe(
        'refused_by_guard',
      );
    }
    expect(failure(await allowed.request({ ...request, url: `http://127.0.0.1:${port + 1}/` }))).toBe(
      'refused_by_guard',
    );
    expect(calls).toBe(1);
  });

  test('plain http to a public host is refused', async () => {
    const answer = await dialling([], {
      resolve: async () => [{ address: '93.184.216.34', family: 4 }],
    }).request({ method: 'GET', url: 'http://example.com/', timeout: 2000, maxBytes: 10 });
    expect(failure(answer)).toBe('refused_by_guard');
  });

  test('a name with one bad address among good ones is refused', async () => {
    const resolve = async () => [
      { address: '93.184.216.34', family: 4 },
      { address: '127.0.0.1', family: 4 },
    ];
    expect(
      failure(
        await dialling([], { resolve }).request({
          method: 'GET',
          url: 'https://mixed.example/',
          timeout: 2000,
          maxBytes: 10,
        }),
      ),
    ).toBe('refused_by_guard');
  });

  test('rebinding: the name is resolved once a connection, and the address checked is the address dialled', async () => {
    const answers = ['203.0.113.200', '127.0.0.1'];
    let asked = 0;
    const resolve = async () => [{ address: answers[asked++ % 2] as string, family: 4 }];
    const request = { method: 'GET', url: 'https://rebind.example/', timeout: 2000, maxBytes: 10 };
    const rebound = dialling([], { resolve });
    expect(failure(await rebound.request(request))).toBe('refused_by_guard');
    expect(asked).toBe(1);
    expect(failure(await rebound.request(request))).toBe('refused_by_guard');
    expect(asked).toBe(2);
  });

  test('the pinned address is used although the name would now resolve elsewhere', async () => {
    const port = await http((request, response) => response.end(request.headers.host));
    let asked = 0;
    const pinned = new Outbound({ outboundAllow: [`supplier.test:${port}`] }, new SystemClock(), {
      resolve: async () => {
        asked++;
        return [{ address: '127.0.0.1', family: 4 }];
      },
    });
    const answer = await pinned.request({
      method: 'GET',
      url: `http://supplier.test:${port}/`,
      timeout: 2000,
      maxBytes: 100,
    });
    expect(answer.ok && answer.body.toString()).toBe(`supplier.test:${port}`);
    expect(asked).toBe(1);
    await pinned.close();
  });

  test('the raw connection has the same guard', async () => {
    const port = await listening(createTcp((socket) => socket.end('220 hello\r\n')));
    await expect(outbound.connect('127.0.0.1', port)).rejects.toMatchObject({ kind: 'refused_by_guard' });
    await expect(outbound.connect('localhost', port)).rejects.toMatchObject({ kind: 'refused_by_guard' });
    const socket = await dialling([port]).connect('127.0.0.1', port);
    const [first] = (await socket.take(1).toArray()) as Buffer[];
    expect(first?.toString()).toBe('220 hello\r\n');
    socket.destroy();
  });
});

describe('an exchange', () => {
  test('brings status, headers without cookies, and body; sends no cookie back', async () => {
    const seen: (string | undefined)[] = [];
    const port = await http((request, response) => {
      seen.push(request.headers.cookie);
      response
        .writeHead(201, { 'set-cookie': 'a=b', 'retry-after': '7' })
        .end(JSON.stringify({ url: request.url, method: request.method }));
    });
    const first = await asked(port, { method: 'POST', url: `http://127.0.0.1:${port}/x?y=1`, body: 'z' });
    const second = await outbound.request({
      method: 'GET',
      url: `http://127.0.0.1:${port}/`,
      timeout: 2000,
      maxBytes: 1000,
    });
    expect(first).toMatchObject({
      ok: true,
      status: 201,
      headers: { 'retry-after': '7' },
      record: { method: 'POST', status: 201, url: `http://127.0.0.1:${port}/x?y=[secret]` },
    });
    expect(first.ok && JSON.parse(first.body.toString())).toEqual({ url: '/x?y=1', method: 'POST' });
    expect(first.ok && first.headers['set-cookie']).toBeUndefined();
    expect(second.ok && seen).toEqual([undefined, undefined]);
  });

  test('a redirect is the answer and is not followed', async () => {
    let calls = 0;
    const port = await http((_request, response) => {
      calls++;
      response.writeHead(307, { location: '/elsewhere' }).end();
    });
    expect(failure(await asked(port, { method: 'POST', body: 'token=abc' }))).toBe('answered 307');
    expect(calls).toBe(1);
  });

  test('a proxy in the environment is not used', async () => {
    const port = await http((_request, response) => response.end('direct'));
    process.env.HTTP_PROXY = process.env.http_proxy = 'http://127.0.0.1:9';
    try {
      expect(failure(await asked(port))).toBe('answered 200');
    } finally {
      delete process.env.HTTP_PROXY;
      delete process.env.http_proxy;
    }
  });

  test('compressed answers are unpacked within the limit', async () => {
    const port = await http((request, response) => {
      const [encoding, bytes] =
        request.url === '/br' ? ['br', brotliCompressSync('hello')] : ['gzip', gzipSync('hello')];
      response.writeHead(200, { 'content-encoding': encoding }).end(bytes);
    });
    for (const path of ['gz', 'br']) {
      const answer = await asked(port, { url: `http://127.0.0.1:${port}/${path}` });
      expect(answer.ok && answer.body.toString()).toBe('hello');
    }
  });

  test('a 50 MB gzip bomb costs the limit and not 50 MB', async () => {
    const bomb = gzipSync(Buffer.alloc(50_000_000));
    expect(bomb.length).toBeLessThan(100_000);
    const port = await http((_request, response) =>
      response.writeHead(200, { 'content-encoding': 'gzip' }).end(bomb),
    );
    const before = process.memoryUsage().arrayBuffers;
    expect(failure(await asked(port))).toBe('too_large');
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(20_000_000);
  });

  test('a chain of encodings and a broken one are refused', async () => {
    const port = await http((request, response) => {
      const encoding = request.url === '/chain' ? 'gzip, gzip' : 'gzip';
      response.writeHead(200, { 'content-encoding': encoding }).end('not gzip');
    });
    expect(failure(await asked(port, { url: `http://127.0.0.1:${port}/chain` }))).toBe('protocol');
    expect(failure(await asked(port))).toBe('protocol');
  });

  test('a body without end is cut at the limit', async () => {
    const port = await http((_request, response) => {
      const pour = () => {
        while (response.write(Buffer.alloc(16_384, 'x'))) {
          /* until the pipe is full */
        }
      };
      response.on('drain', pour).on('error', () => undefined);
      response.writeHead(200);
      pour();
    });
    expect(failure(await asked(port))).toBe('too_large');
    expect(failure(await asked(port, { maxBytes: 10 }))).toBe('too_large');
  });

  test('a slow drip ends with the total time', async () => {
    const port = await http((_request, response) => {
      response.writeHead(200);
      const drip = setInterval(() => response.write('.'), 20);
      response.on('close', () => clearInterval(drip));
    });
    const began = Date.now();
    const answer = await asked(port, { timeout: 300 });
    expect(answer).toMatchObject({ ok: false, failure: 'timeout', sent: true, record: { status: 200 } });
    expect(Date.now() - began).toBeLessThan(1500);
  });

  test('a drip in the headers ends with the total time as well', async () => {
    const port = await listening(
      createTcp((socket) => {
        socket.on('error', () => undefined);
        socket.write('HTTP/1.1 200 OK\r\n');
        const drip = setInterval(() => socket.write('x: y\r\n'), 20);
        socket.on('close', () => clearInterval(drip));
      }),
    );
    expect(failure(await asked(port, { timeout: 300 }))).toBe('timeout');
  });

  test('a flood of headers is cut', async () => {
    const port = await listening(
      createTcp((socket) => {
        socket.on('error', () => undefined);
        socket.write(`HTTP/1.1 200 OK\r\n${'x-flood: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n'.repeat(2000)}\r\n`);
      }),
    );
    expect(failure(await asked(port))).toBe('too_large');
  });

  test('what is no HTTP is a protocol failure, a lost answer is known as sent', async () => {
    const junk = await listening(
      createTcp((socket) => {
        socket.on('error', () => undefined);
        socket.end('SSH-2.0-OpenSSH\r\n');
      }),
    );
    expect(failure(await asked(junk))).toBe('protocol');
    const lost = await http((request) => request.socket.destroy());
    expect(await asked(lost, { method: 'POST', body: 'token' })).toMatchObject({
      ok: false,
      failure: 'protocol',
      sent: true,
    });
  });

  test('nobody listening: known as not sent', async () => {
    const port = await http(() => undefined);
    await new Promise((resolve) => open.splice(0)[0]?.close(resolve));
    expect(await asked(port)).toMatchObject({ ok: false, failure: 'connect', sent: false });
  });

  test('an unknown name', async () => {
    const resolve = async () => {
      throw Object.assign(new Error('no such'), { code: 'ENOTFOUND' });
    };
    expect(
      await dialling([], { resolve }).request({
        method: 'GET',
        url: 'https://nowhere.example/',
        timeout: 2000,
        maxBytes: 10,
      }),
    ).toMatchObject({ failure: 'dns', sent: false });
  });

  test('a name server that does not answer ends with the total time, and nothing is sent later', async () => {
    const answer = await dialling([], { resolve: () => new Promise(() => undefined) }).request({
      method: 'GET',
      url: 'https://slow.example/',
      timeout: 100,
      maxBytes: 10,
    });
    expect(answer).toMatchObject({ failure: 'timeout', sent: false });
    dialling([]);
  });

  test('an untrusted certificate and a peer without TLS are TLS failures, and nothing was sent', async () => {
    let requests = 0;
    const selfSigned = await listening(
      createTls({ key: KEY, cert: CERTIFICATE }, (_request, response) => {
        requests++;
        response.end();
      }),
    );
    const plain = await http(() => requests++);
    for (const port of [selfSigned, plain]) {
      expect(await asked(port, { url: `https://127.0.0.1:${port}/` })).toMatchObject({
        ok: false,
        failure: 'tls',
        sent: false,
      });
    }
    expect(requests).toBe(0);
  });

  test('giving up ends the exchange', async () => {
    const giveUp = new AbortController();
    const port = await http(() => giveUp.abort());
    expect(await asked(port, { signal: giveUp.signal })).toMatchObject({ failure: 'aborted', sent: true });
    expect(await asked(port, { signal: giveUp.signal })).toMatchObject({ failure: 'aborted', sent: false });
  });
});

describe('what is kept of an exchange', () => {
  const token = 'tok_\u00e4_0123456789abcdef';
  test('shows no secret that the peer sends back, and no control character', async () => {
    const port = await http((request, response) => {
      const auth = request.headers.authorization ?? '';
      response
        .writeHead(401)
        .end(
          `bad\u0000 \u001b[31m<b>${auth}</b> ${Buffer.from(`id:${token}`).toString('base64')} ${encodeURIComponent(token)}`,
        );
    });
    const answer = await asked(port, {
      headers: { authorization: `Bearer ${Buffer.from(token).toString('latin1')}` },
      secrets: [Secret.of(token), Secret.of(Buffer.from(token).toString('latin1'))],
    });
    const kept = JSON.stringify(answer.record);
    expect(answer.record.extract).toContain('bad');
    expect(kept).not.toContain('0123456789abcdef');
    expect(kept).not.toContain(Buffer.from(token).toString('base64').slice(4, 20));
    expect(answer.record.extract).toBe(visible(answer.record.extract));
  });

  test.each([
    ['authorization', 'Bearer top\r\nx-injected: 1'],
    ['x-key', 'secret\u0000'],
    ['x-key', 'secret\u20ac'],
    ['bad name', 'secret'],
    ['cookie', 'secret=1'],
    ['Host', 'secret.example'],
  ])('a bad header %s is named, its value never', async (name, value) => {
    let calls = 0;
    const port = await http((_request, response) => {
      calls++;
      response.end();
    });
    const answer = await asked(port, { headers: { [name]: value } });
    expect(answer).toMatchObject({ ok: false, failure: 'protocol', sent: false });
    expect(JSON.stringify(answer)).not.toMatch(/secret|top/);
    expect(calls).toBe(0);
  });

  test('a malformed URL or method is an answer, not an exception', async () => {
    expect(
      failure(await outbound.request({ method: 'GET', url: 'https://', timeout: 10, maxBytes: 1 })),
    ).toBe('protocol');
    expect(
      failure(
        await outbound.request({ method: 'GET\r\nX', url: 'https://example.com/', timeout: 10, maxBytes: 1 }),
      ),
    ).toBe('protocol');
  });
});

// Made for this test, trusted by nobody, used nowhere else.
const KEY = `-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQgV8ZANaX6z0J7Opxs
MxhbSntMhjhC9liY1agEo+ioxruhRANCAASjXxIUDIGtpsnqqt518x0QABBT2kVe
i6HE1Xp2jZx20R6LLSR08/YyXQK+x04+tIdHbaFjCdx4KE2+ftWTQG2B
-----END PRIVATE KEY-----`;
const CERTIFICATE = `-----BEGIN CERTIFICATE-----
MIIBfzCCASWgAwIBAgIUIgq3aTP8uy4kzYJ73TTaQI2XO7gwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MCAXDTI2MTEyMjAyMjIzMVoYDzIxMjYxMDI5
MDIyMjMxWjAUMRIwEAYDVQQDDAlsb2NhbGhvc3QwWTATBgcqhkjOPQIBBggqhkjO
PQMBBwNCAASjXxIUDIGtpsnqqt518x0QABBT2kVei6HE1Xp2jZx20R6LLSR08/Yy
XQK+x04+tIdHbaFjCdx4KE2+ftWTQG2Bo1MwUTAdBgNVHQ4EFgQUZ3vOWGdxbn49
yWsVWDv/dfuEJv8wHwYDVR0jBBgwFoAUZ3vOWGdxbn49yWsVWDv/dfuEJv8wDwYD
VR0TAQH/BAUwAwEB/zAKBggqhkjOPQQDAgNIADBFAiEAirA6hm/ilHYcZJJZrYt9
684CSOJEeAMMWtC+WaD/RA4CIBsgPGAmU0z1Mpnq+szIKcFfwm8Y5Xtw6Kr8vbVV
SN7d
-----END CERTIFICATE-----`;
