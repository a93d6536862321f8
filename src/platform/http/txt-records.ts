import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { SECOND, type Millis } from '../../kernel/time.ts';

/** Looks one name up: the strings of each of its TXT records (RFC 1035 §3.3.14). Rejects as `node:dns` does. */
export type ResolveTxt = (name: string) => Promise<string[][]>;

export type TxtAnswer =
  | { found: 'records'; records: string[] }
  /** The name has no TXT record, or is not there. */
  | { found: 'none' }
  /** Nobody answered, or not in time. Another time it may be otherwise. */
  | { found: 'nothing_heard'; why: string }
  /** Our own decision: nothing was asked. */
  | { found: 'refused'; why: string };

const WAIT: Millis = 4 * SECOND;
const MOST_RECORDS = 50;
const LONGEST_RECORD = 1000;
const LABEL = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
/** Names that mean something in this house alone, or nowhere (RFC 6761, RFC 6762, RFC 8375, RFC 9476). */
const NOT_PUBLIC = new Set([
  'localhost',
  'local',
  'internal',
  'invalid',
  'onion',
  'alt',
  'arpa',
  'test',
  'lan',
  'home',
]);

/** Why a name is none that the public names of the internet could have; null: it may be. Lower case, without a last dot. */
export function whyNotPublic(name: string): string | null {
  const labels = name.split('.');
  if (isIP(name) !== 0) return 'is an address, not a name';
  if (name.length > 253 || labels.length < 2 || !labels.every((label) => LABEL.test(label)))
    return 'is no name of a domain';
  const top = labels.at(-1)!;
  return NOT_PUBLIC.has(top) || /^\d+$/.test(top) ? `stands under .${top}, which is not public` : null;
}

/** TXT records of public names, within limits of time and size: what anybody may set there is not trusted to be short. */
export class TxtRecords {
  constructor(private readonly resolve: ResolveTxt = systemResolve) {}

  async of(name: string): Promise<TxtAnswer> {
    const why = whyNotPublic(name);
    if (why !== null) return { found: 'refused', why: `${name} ${why}` };
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(Object.assign(new Error('late'), { code: 'ETIMEOUT' })), WAIT + SECOND);
    });
    try {
      const records = await Promise.race([this.resolve(name), late]);
      const texts = records.slice(0, MOST_RECORDS).map((parts) => parts.join('').slice(0, LONGEST_RECORD));
      return texts.length === 0 ? { found: 'none' } : { found: 'records', records: texts };
    } catch (thrown) {
      const { code = '' } = thrown as { code?: string };
      if (code === 'ENOTFOUND' || code === 'ENODATA') return { found: 'none' };
      return { found: 'nothing_heard', why: /^[A-Z0-9_]{2,40}$/.test(code) ? code : 'no reason given' };
    } finally {
      clearTimeout(timer);
    }
  }
}

/** The name servers of the machine, asked afresh each time: a record that was set just now is what one waits for. */
const systemResolve: ResolveTxt = (name) => new Resolver({ timeout: WAIT / 2, tries: 2 }).resolveTxt(name);
