import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { afterEach, expect, jest, test } from '@jest/globals';
import pg from 'pg';
import { postgresOptions } from './data-sources.ts';

const message = (type: string, body: Buffer) => {
  const head = Buffer.alloc(5);
  head.write(type);
  head.writeInt32BE(body.length + 4, 1);
  return Buffer.concat([head, body]);
};
const GREETING = Buffer.concat([message('R', Buffer.alloc(4)), message('Z', Buffer.from('I'))]);
const DYING = message(
  'E',
  Buffer.from('SFATAL\0C57P01\0Mterminating connection due to unexpected postmaster exit\0\0'),
);

const undo: (() => unknown)[] = [];
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step();
});

/** A server that dies in the moment that it has greeted: both come in one piece. */
async function dyingServer(): Promise<string> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on('error', () => {});
    socket.once('data', () => socket.write(Buffer.concat([GREETING, DYING])));
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  undo.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return `postgres://nobody@127.0.0.1:${(server.address() as AddressInfo).port}/nothing`;
}

test('a session that dies as it is greeted fails its query, and ends nothing else', async () => {
  const fatal = jest.fn();
  process.once('uncaughtException', fatal);
  undo.push(() => process.off('uncaughtException', fatal));
  const url = await dyingServer();
  const { extra } = postgresOptions(url, { entities: [], migrations: [] }) as {
    extra: pg.PoolConfig;
  };
  const pool = new pg.Pool({ ...extra, connectionString: url });
  pool.on('error', () => {});
  undo.push(() => pool.end());
  const session = await pool.connect();
  await expect(session.query('SELECT 1')).rejects.toThrow();
  session.release(true);
  await new Promise(setImmediate);
  expect(fatal).not.toHaveBeenCalled();
});
