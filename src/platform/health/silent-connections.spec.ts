import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo } from 'node:net';
import { expect, test } from '@jest/globals';
import { Lifecycle } from './lifecycle.ts';
import { endSilentConnections } from './silent-connections.ts';

test('a stop waits for who was asking, and for nobody who never spoke', async () => {
  let finish = () => {};
  const server = createServer((_request, response) => {
    finish = () => response.end('done');
  });
  const lifecycle = new Lifecycle();
  endSilentConnections(server, lifecycle);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;

  const silent = connect(port, '127.0.0.1');
  const asking = connect(port, '127.0.0.1');
  await Promise.all([once(silent, 'connect'), once(asking, 'connect')]);
  asking.write('GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n');
  await once(server, 'request');

  const ended = once(silent, 'close');
  lifecycle.stop();
  const closed = once(server, 'close');
  server.close();
  await ended;
  expect(asking.destroyed).toBe(false);
  const answer = once(asking, 'data');
  finish();
  expect(String(((await answer) as [Buffer])[0])).toContain('200 OK');
  await closed;
});
