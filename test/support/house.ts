/** The house: what stands where, and who may lean on whom. The one list of it. */

/** From the bottom. A folder imports those before it. */
export const PLATFORM = [
  'config',
  'clock',
  'log',
  'sheets',
  'metrics',
  'signing',
  'embedded',
  'database',
  'outbox',
  'queue',
  'http',
  'vault',
  'mail',
  'health',
];

/** From the bottom. A folder imports those before it. */
export const DOMAIN = [
  'evidence',
  'portfolio',
  'incidents',
  'obligations',
  'exposures',
  'releases',
  'policy',
  'rotation',
  'revocation',
  'usage',
  'responsibility',
  'credentials',
  'integrations',
  'notices',
  'agreements',
  'signals',
  'parties',
  'runbooks',
  'access',
  'attachments',
  'ledger',
].toReversed();

const FACES = ['console', 'api'];
const PLUGIN_KINDS = ['actions', 'selectors', 'connectors', 'channels', 'sources', 'stores', 'vendors'];
const WIRING = ['app.module.ts', 'create-app.ts', 'data-source.ts'];
const ENTRIES = ['main.ts', 'cli.ts', 'serve.ts'];

/** Folders at the top of the repository; others only with a dot in front. */
export const TOP = ['src', 'migrations', 'templates', 'test', 'bench'];

export interface Place {
  floor: 1 | 2 | 3 | 4 | 5 | 6;
  /** What a file may import freely: its own folder. */
  unit: string;
  kind:
    | 'kernel'
    | 'platform'
    | 'domain'
    | 'face'
    | 'plugin'
    | 'plugin-list'
    | 'wiring'
    | 'entry'
    | 'verify'
    | 'sandbox';
}

/** Where a file of `src/` stands, or undefined: the house has no such room. */
export function placeOf(path: string): Place | undefined {
  const [src, first, second, third, ...deeper] = path.split('/');
  if (src !== 'src' || first === undefined) return undefined;
  if (second === undefined) {
    if (WIRING.includes(first)) return { floor: 5, unit: 'wiring', kind: 'wiring' };
    if (ENTRIES.includes(first)) return { floor: 6, unit: 'entry', kind: 'entry' };
    return first === 'verify.ts' ? { floor: 6, unit: 'verify', kind: 'verify' } : undefined;
  }
  if (first === 'cli') return { floor: 6, unit: 'entry', kind: 'entry' };
  if (first === 'sandbox') return { floor: 6, unit: 'sandbox', kind: 'sandbox' };
  if (first === 'kernel')
    return third === undefined ? { floor: 1, unit: 'kernel', kind: 'kernel' } : undefined;
  if (FACES.includes(first)) return { floor: 4, unit: first, kind: 'face' };
  if (first === 'plugins') {
    if (third === undefined)
      return second.endsWith('.ts') ? { floor: 4, unit: 'plugins', kind: 'plugin-list' } : undefined;
    if (!PLUGIN_KINDS.includes(second)) return undefined;
    return deeper.length === 0
      ? { floor: 4, unit: `plugins/${second}`, kind: 'plugin-list' }
      : { floor: 4, unit: `plugins/${second}/${third}`, kind: 'plugin' };
  }
  if (third === undefined) return undefined;
  if (first === 'platform' && PLATFORM.includes(second)) return { floor: 2, unit: second, kind: 'platform' };
  if (first === 'domain' && DOMAIN.includes(second)) return { floor: 3, unit: second, kind: 'domain' };
  return undefined;
}

/** Why a file that stands at `from` may not import one that stands at `to`; undefined when it may. */
export function refusedImport(from: Place, to: Place): string | undefined {
  if (from.unit === to.unit && from.floor === to.floor) return undefined;
  if (to.kind === 'sandbox') return 'the outside world is spawned, never imported';
  if (from.kind === 'sandbox') return 'the outside world imports nothing of the application';
  if (from.kind === 'verify' && to.kind !== 'kernel') return "the auditor's verifier imports the kernel only";
  if (to.floor > from.floor) return `floor ${from.floor} imports floor ${to.floor}, which is above it`;
  if (to.floor < from.floor) return undefined;
  if (from.kind === 'platform' || from.kind === 'domain') {
    const order = from.kind === 'platform' ? PLATFORM : DOMAIN;
    return order.indexOf(to.unit) < order.indexOf(from.unit)
      ? undefined
      : `${from.kind}/${from.unit} imports ${to.kind}/${to.unit}, which is above it`;
  }
  // A registry lists the plug-ins below it; plug-ins share only the vendors' clients.
  if (from.kind === 'plugin-list' && (to.unit.startsWith(`${from.unit}/`) || from.unit === 'plugins'))
    return undefined;
  if (from.kind === 'plugin' && to.kind === 'plugin' && to.unit.startsWith('plugins/vendors/'))
    return undefined;
  return `${from.unit} imports ${to.unit}, which stands beside it`;
}
