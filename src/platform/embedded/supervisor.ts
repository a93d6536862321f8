import { connect } from 'node:net';
import { SECOND } from '../../kernel/time.ts';

const EVERY = SECOND;

export interface Watch {
  /** A server was found dead and runs again, on the same port: open pools heal by themselves. */
  onRestart?: () => void;
  /** It cannot be started again; told once for each new reason. */
  onFailure?: (thrown: unknown) => void;
}

/**
 * Looks every second whether the server still listens, and starts it again when it does not. By the port, not by the
 * process: a server that an earlier, killed application had started is nobody's child.
 *
 * @returns ends the watch, and waits for a restart under way
 */
export function superviseServer(
  port: number,
  restart: () => Promise<unknown>,
  watch: Watch,
): () => Promise<void> {
  let over = false;
  let told = '';
  let round: Promise<void> = Promise.resolve();
  const look = async () => {
    if ((await listens(port)) || over) return;
    try {
      await restart();
      told = '';
      watch.onRestart?.();
    } catch (thrown) {
      if (told !== String(thrown)) watch.onFailure?.(thrown);
      told = String(thrown);
    }
  };
  let timer: NodeJS.Timeout;
  const next = () => {
    timer = setTimeout(() => {
      round = look().finally(() => {
        if (!over) next();
      });
    }, EVERY).unref();
  };
  next();
  return async () => {
    over = true;
    clearTimeout(timer);
    await round;
  };
}

function listens(port: number): Promise<boolean> {
  return new Promise((done) => {
    const socket = connect({ host: '127.0.0.1', port, timeout: 2 * SECOND });
    const say = (answer: boolean) => {
      socket.destroy();
      done(answer);
    };
    socket.once('connect', () => say(true));
    socket.once('timeout', () => say(true)); // somebody is there, only slow
    socket.once('error', () => say(false));
  });
}
