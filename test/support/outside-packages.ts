/** Value types that the kernel may lean on. */
export const KERNEL_LIBRARIES = ['canonicalize', 'temporal-polyfill', 'uuid'];

/** Parts of Node that compute and do nothing else. */
const PURE_BUILTINS = [
  'node:assert',
  'node:buffer',
  'node:crypto',
  'node:path',
  'node:url',
  'node:util',
  'node:zlib',
];

const DIALLING_PACKAGES = [
  'undici',
  'axios',
  'got',
  'ky',
  'node-fetch',
  'needle',
  'superagent',
  'ws',
  'socks',
];
const DIALLING_BUILTINS = ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'dns', 'dns/promises'];
/** What those offer besides: servers, and questions about the form of an address. */
const HARMLESS = [
  'createServer',
  'createSecureServer',
  'isIP',
  'isIPv4',
  'isIPv6',
  'BlockList',
  'SocketAddress',
  'STATUS_CODES',
  'METHODS',
];

/** What of an import can open a connection, or undefined. @param names those imported; `*` for the whole module */
export function dials(specifier: string, names: readonly string[]): string | undefined {
  const [scope, name] = specifier.split('/');
  const packageName = specifier.startsWith('@') ? `${scope}/${name}` : scope!;
  if (DIALLING_PACKAGES.includes(packageName)) return specifier;
  if (!DIALLING_BUILTINS.includes(specifier.replace(/^node:/, ''))) return undefined;
  const dialling = names.filter((one) => !HARMLESS.includes(one));
  return dialling.length > 0 ? `${dialling.join(', ')} of ${specifier}` : undefined;
}

/** Whether what is imported of Node only computes. */
export function isPureBuiltin(specifier: string, names: readonly string[]): boolean {
  if (PURE_BUILTINS.includes(specifier)) return true;
  return DIALLING_BUILTINS.includes(specifier.replace(/^node:/, '')) && dials(specifier, names) === undefined;
}
