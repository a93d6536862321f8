import type { ClientBase } from 'pg';

/**
 * For a pool's `onConnect`. A server that dies while it answers may say so in the same piece of data as its greeting: the
 * new session tells of it before whoever asked for it can listen, and what nobody listens to ends the process. Whoever
 * uses the session is told by its query.
 */
export function heedDying(session: ClientBase): void {
  session.on('error', () => {});
}
