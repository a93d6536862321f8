import { createPrivateKey, X509Certificate } from 'node:crypto';
import type { Secret } from '../../kernel/secret.ts';
import type { Shown } from './secure-over.ts';

const BLOCK = /-----BEGIN ([A-Z ]+)-----[^-]+-----END \1-----/g;

/** The key and the chain, in whatever order they stand. Undefined: no such thing, or the key is not the certificate's. */
export function readPem(text: string): { key: string; cert: string } | undefined {
  const blocks = [...text.matchAll(BLOCK)];
  const key = blocks.find(([, label]) => label!.endsWith('PRIVATE KEY'))?.[0];
  const chain = certificatesIn(text);
  if (key === undefined || chain.length === 0) return undefined;
  try {
    const [leaf] = chain;
    if (!new X509Certificate(leaf!).checkPrivateKey(createPrivateKey(key))) return undefined;
  } catch {
    return undefined;
  }
  return { key, cert: chain.join('\n') };
}

function certificatesIn(text: string): string[] {
  return [...text.matchAll(BLOCK)].filter(([, label]) => label === 'CERTIFICATE').map(([block]) => block);
}

/** What is wrong with one of them, as a sentence's end; undefined: nothing. Names nothing of the value. */
export function problemOf(name: string, value: Secret): string | undefined {
  return value.use((text) => {
    if (name === 'client_certificate') {
      return readPem(text)
        ? undefined
        : 'is no PEM of a private key without a passphrase and the certificate that belongs to it';
    }
    const authorities = certificatesIn(text);
    const read = authorities.length > 0 && authorities.every((pem) => readable(pem));
    return read ? undefined : 'is no PEM of certificates';
  });
}

function readable(pem: string): boolean {
  try {
    return new X509Certificate(pem).raw.length > 0;
  } catch {
    return false;
  }
}

/** What a connection shows its supplier, of its secrets; undefined: nothing, as most suppliers ask for nothing. */
export function shownOf(auth: Readonly<Record<string, Secret>>): Shown | undefined {
  const own = auth['client_certificate']?.use(readPem);
  const ca = auth['server_authorities']?.use((text) => certificatesIn(text).join('\n'));
  if (!own && ca === undefined) return undefined;
  return { ...own, ...(ca === undefined ? {} : { ca }) };
}
