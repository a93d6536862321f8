import ipaddr from 'ipaddr.js';

/** IPv6 forms that carry an IPv4 address end here: the translated address is judged, and the wrapper too. */
const GLOBAL_UNICAST: [ipaddr.IPv6, number] = [ipaddr.IPv6.parse('2000::'), 3];

/**
 * Why an IP address may not be dialled, or null when it is a public unicast address. Everything that is not plainly
 * public is refused: loopback, private, link-local (cloud metadata), carrier-grade NAT, multicast, documentation, and
 * each IPv6 form that hides an IPv4 address (mapped, compatible, NAT64, 6to4, Teredo, ISATAP).
 *
 * @param address an IP literal without brackets; a zone id is judged with its address.
 */
export function whyBlocked(address: string): string | null {
  if (!ipaddr.isValid(address)) return 'no IP address';
  let parsed = ipaddr.parse(address);
  if (parsed instanceof ipaddr.IPv6 && parsed.isIPv4MappedAddress()) parsed = parsed.toIPv4Address();
  const range = parsed.range();
  if (range !== 'unicast') return range;
  if (parsed instanceof ipaddr.IPv4) return null;
  // Outside 2000::/3 nothing is assigned for the public internet: ::a.b.c.d, fec0::/10 and 64:ff9b:1::/48 fall here.
  if (!parsed.match(GLOBAL_UNICAST)) return 'reserved';
  const [high, low] = [parsed.parts[4] ?? 0, parsed.parts[5] ?? 0];
  return (high === 0 || high === 0x200) && low === 0x5efe ? 'isatap' : null;
}

/** `host:port` in one spelling (`[::1]:443`, lower case), or null when it is no exact host and port. */
export function normalHostPort(host: string, port: number | string): string | null {
  const bare = host.startsWith('[') && host.endsWith(']') ? host.slice(1, -1) : host;
  const number = Number(port);
  if (!Number.isInteger(number) || number < 1 || number > 65535) return null;
  const written = `http://${ipaddr.IPv6.isValid(bare) ? `[${bare}]` : bare}:${number}`;
  if (!URL.canParse(written)) return null;
  const url = new URL(written);
  if (url.pathname !== '/' || url.username !== '' || url.hostname === '') return null;
  return `${url.hostname}:${number}`;
}

/**
 * Why nothing will ever be sent to this URL, as far as that shows without asking for its name; null: a name, or a public
 * address, by https. What a name leads to is judged whenever it is dialled.
 */
export function whyNeverDialled(url: URL, allowed: AllowedPeers): { problem: string; mend: string } | null {
  const host = url.hostname.replace(/^\[|\]$/g, '').replace(/\.$/, '');
  if (url.protocol !== 'https:' && url.protocol !== 'http:')
    return { problem: 'is no https URL', mend: 'Give an address that begins with https://.' };
  if (url.username !== '' || url.password !== '')
    return { problem: 'has a user in it', mend: 'Leave the part before the @ out: what is sent is signed.' };
  if (allowed.has(host, url.port || (url.protocol === 'https:' ? 443 : 80))) return null;
  if (url.protocol === 'http:') {
    return {
      problem: 'is no https URL',
      mend: 'Give the endpoint TLS: what it is sent is nobody else’s to read.',
    };
  }
  const inside =
    'Give one that is reachable from outside, or have its host and port put into COUNTERSIGN_OUTBOUND_ALLOW.';
  // Always this very machine (RFC 6761, section 6.3).
  if (/(^|\.)localhost$/i.test(host)) return { problem: 'leads to this machine itself', mend: inside };
  const why = ipaddr.isValid(host) ? whyBlocked(host) : null;
  return why === null ? null : { problem: `is not a public address (${why})`, mend: inside };
}

/** The exact pairs that an operator let through although they are loopback or private. */
export class AllowedPeers {
  readonly #pairs: ReadonlySet<string>;

  constructor(entries: readonly string[]) {
    this.#pairs = new Set(
      entries.flatMap((entry) => {
        const colon = entry.lastIndexOf(':');
        const pair = normalHostPort(entry.slice(0, colon), entry.slice(colon + 1));
        return pair === null ? [] : [pair];
      }),
    );
  }

  has(host: string, port: number | string): boolean {
    const pair = normalHostPort(host, port);
    return pair !== null && this.#pairs.has(pair);
  }
}
