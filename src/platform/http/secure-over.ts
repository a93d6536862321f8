import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Millis } from '../../kernel/time.ts';
import { DialError } from './dialler.ts';

/**
 * What is shown to the peer (key and certificate, or neither), and whom its own certificate must come from (absent: the
 * public authorities). PEM.
 */
export interface Shown {
  key?: string;
  cert?: string;
  ca?: string | undefined;
}

/** TLS with a client's certificate over a connection that the guarded dialler opened; dials nobody by itself. */
export function secureOver(socket: Socket, host: string, shown: Shown): TLSSocket {
  const { ca, ...own } = shown;
  return connect({
    socket,
    ...own,
    ALPNProtocols: ['http/1.1'],
    ...(isIP(host) === 0 ? { servername: host } : {}),
    ...(ca === undefined ? {} : { ca }),
  });
}

/**
 * The same, once the peer has shown a certificate that we trust. In TLS 1.3 its verdict on ours comes later, with or
 * instead of its first answer.
 *
 * @throws DialError
 */
export function secured(socket: Socket, host: string, shown: Shown, timeout: Millis): Promise<TLSSocket> {
  return new Promise((resolve, reject) => {
    const name = host.replace(/^\[|\]$/g, '');
    const fail = (kind: 'tls' | 'timeout', why: string) => {
      clearTimeout(timer);
      over?.on('error', () => undefined);
      over?.destroy();
      socket.destroy();
      reject(new DialError(kind, why));
    };
    const timer = setTimeout(() => fail('timeout', `TLS with ${host} took too long`), timeout);
    const onError = (error: NodeJS.ErrnoException) =>
      fail('tls', `no trusted TLS connection to ${host} (${error.code ?? 'no reason given'})`);
    const onClose = () => fail('tls', `no trusted TLS connection to ${host} (closed)`);
    let over: TLSSocket | undefined;
    try {
      over = secureOver(socket, name, shown);
    } catch (thrown) {
      onError(thrown as NodeJS.ErrnoException);
      return;
    }
    const ready = over;
    ready.once('error', onError).once('close', onClose);
    ready.once('secureConnect', () => {
      clearTimeout(timer);
      ready.off('error', onError).off('close', onClose);
      resolve(ready);
    });
  });
}
