import { isIP, type Socket } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';

/** What is shown to the peer, and whom its own certificate must come from (absent: the public authorities). PEM. */
export interface Shown {
  key: string;
  cert: string;
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
