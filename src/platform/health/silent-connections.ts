import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { SECOND } from '../../kernel/time.ts';
import type { Lifecycle } from './lifecycle.ts';

/** Milliseconds for somebody who connects while we stop to say what for. */
const LAST_WORDS = 2 * SECOND;

/**
 * Browsers open connections in advance and say nothing on them. The server counts such a one as busy until it times out, a
 * minute later, and a stop would wait for it.
 */
export function endSilentConnections(server: Server, lifecycle: Lifecycle): void {
  const silent = new Set<Socket>();
  server.on('connection', (socket: Socket) => {
    silent.add(socket);
    socket.once('close', () => silent.delete(socket));
    if (lifecycle.state === 'stopping')
      socket.setTimeout(LAST_WORDS, () => silent.has(socket) && socket.destroy());
  });
  server.on('request', ({ socket }) => silent.delete(socket));
  lifecycle.atStop(() => {
    for (const socket of silent) socket.destroy();
  });
}
