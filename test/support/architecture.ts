import { posix } from 'node:path';
import { KERNEL_LIBRARIES, dials, isPureBuiltin } from './outside-packages.ts';
import { placeOf, refusedImport } from './house.ts';
import { readSource, type Import, type Source } from './read-source.ts';

export interface Violation {
  /** `src/domain/notices/notices.service.ts:12` */
  at: string;
  says: string;
}

/** Everything in which these files break the house's rules. @param files repository paths with `/`, and their texts */
export function violationsOf(files: ReadonlyMap<string, string>): Violation[] {
  const sources = [...files].map(([path, text]) => readSource(path, text));
  const found: Violation[] = [];
  for (const source of sources) {
    const report = (line: number, says: string) => void found.push({ at: `${source.path}:${line}`, says });
    checkNames(source.path, report);
    if (!source.path.startsWith('src/')) continue;
    checkImports(source, files, report);
    checkContents(source, report);
  }
  return [...found, ...circles(sources, files)];
}

type Report = (line: number, says: string) => void;

function checkNames(path: string, report: Report): void {
  const segments = path.split('/');
  const drawer = segments.find((name) => /^(utils?|helpers?|common)(\.[a-z]+)*$/.test(name));
  if (drawer) report(1, `"${drawer}" names no subject: a word is missing`);
  if (/^index\.tsx?$/.test(segments.at(-1)!) && path !== 'migrations/index.ts')
    report(1, 'a barrel: import the file itself');
  if (path.startsWith('src/') && !placeOf(path)) report(1, 'the house has no such room');
}

function checkImports(source: Source, files: ReadonlyMap<string, string>, report: Report): void {
  const { path } = source;
  const from = placeOf(path);
  if (!from) return;
  for (const one of source.imports) {
    if (one.specifier === null) {
      report(one.line, 'imports what only running it would tell');
      continue;
    }
    if (!isRelative(one.specifier)) {
      checkPackage(path, one, report);
      continue;
    }
    const target = resolve(path, one.specifier);
    const to = placeOf(target);
    if (target.startsWith('migrations/')) {
      if (from.kind !== 'wiring') report(one.line, 'only the wiring imports migrations');
    } else if (!to) {
      // A spec may lean on the support of the tests; a path to a thread's file or to data is no import of code.
      const supported = isSpec(path) && target.startsWith('test/support/');
      if (!supported && one.kind !== 'url') report(one.line, `imports ${target}, which is outside the house`);
    } else {
      const spawned = one.kind === 'url' && to.kind === 'sandbox' && from.floor >= 5;
      const refused = spawned ? undefined : refusedImport(from, to);
      if (refused) report(one.line, refused);
      else if (
        isRules(path) &&
        to.kind !== 'kernel' &&
        !isRules(target) &&
        !target.endsWith('.schema.ts') &&
        !one.typeOnly
      ) {
        report(one.line, 'a rule decides by its arguments alone: it imports the kernel and other rules');
      }
    }
    if (one.kind !== 'url' && /\.tsx?$/.test(target) && !files.has(target))
      report(one.line, `imports ${target}, which is not there`);
  }
}

function checkPackage(path: string, { specifier, line, typeOnly, names }: Import, report: Report): void {
  if (isSpec(path) || specifier === null) return;
  const from = placeOf(path)!;
  const builtin = specifier.startsWith('node:');
  if (from.kind === 'kernel' && !builtin && !KERNEL_LIBRARIES.includes(specifier)) {
    report(line, `the kernel does not know ${specifier}`);
  }
  if (from.kind === 'verify' && !builtin) report(line, "the auditor's verifier imports the kernel only");
  if (
    isRules(path) &&
    !typeOnly &&
    (builtin ? !isPureBuiltin(specifier, names) : !RULE_LIBRARIES.includes(specifier))
  ) {
    report(line, `a rule decides by its arguments alone: ${specifier} is no part of that`);
  }
  if (mayDial(path) || typeOnly) return;
  const dialling = dials(specifier, names);
  if (dialling) report(line, `${dialling} dials out: only platform/http does`);
}

/** Reading text into values is still pure. */
const RULE_LIBRARIES = [...KERNEL_LIBRARIES, 'zod', 'yaml', 'ipaddr.js', 'liquidjs', '@marcbachmann/cel-js'];

function checkContents(source: Source, report: Report): void {
  const { path } = source;
  if (isSpec(path) || path.startsWith('src/sandbox/')) return;
  if (!path.startsWith('src/platform/config/')) {
    for (const line of source.environment) report(line, 'only platform/config knows process.env');
  }
  if (!mayDial(path))
    for (const line of source.fetches) report(line, 'fetch dials out: only platform/http does');
  if (source.onlyReexports) report(1, 'a barrel: import the file itself');
}

/** The embedded server is reached on loopback, by the folder that starts it. */
function mayDial(path: string): boolean {
  return ['src/platform/http/', 'src/platform/embedded/', 'src/sandbox/'].some((folder) =>
    path.startsWith(folder),
  );
}

/** Every import circle, told once: at its alphabetically first file. */
function circles(sources: readonly Source[], files: ReadonlyMap<string, string>): Violation[] {
  const edges = new Map<string, { target: string; line: number }[]>();
  for (const { path, imports } of sources) {
    edges.set(
      path,
      imports.flatMap(({ specifier, line, kind }) => {
        const target =
          specifier !== null && isRelative(specifier) && kind !== 'url' ? resolve(path, specifier) : '';
        return files.has(target) ? [{ target, line }] : [];
      }),
    );
  }
  const found: Violation[] = [];
  for (const component of components(edges)) {
    const self = edges.get(component[0]!)!.some(({ target }) => target === component[0]);
    if (component.length === 1 && !self) continue;
    const [first] = component.toSorted();
    const { line } = edges.get(first!)!.find(({ target }) => component.includes(target))!;
    found.push({ at: `${first}:${line}`, says: `an import circle of ${component.toSorted().join(', ')}` });
  }
  return found;
}

/** Strongly connected components (Tarjan), without recursion: import chains are long. */
function components(edges: ReadonlyMap<string, readonly { target: string }[]>): string[][] {
  const index = new Map<string, number>();
  const low = new Map<string, number>();
  const stack: string[] = [];
  const onStack = new Set<string>();
  const found: string[][] = [];
  for (const root of edges.keys()) {
    if (index.has(root)) continue;
    const work: { node: string; next: number }[] = [{ node: root, next: 0 }];
    while (work.length > 0) {
      const frame = work.at(-1)!;
      const { node } = frame;
      if (frame.next === 0) {
        index.set(node, index.size);
        low.set(node, index.get(node)!);
        stack.push(node);
        onStack.add(node);
      }
      const target = edges.get(node)![frame.next++]?.target;
      if (target !== undefined) {
        if (!index.has(target)) work.push({ node: target, next: 0 });
        else if (onStack.has(target)) low.set(node, Math.min(low.get(node)!, index.get(target)!));
        continue;
      }
      work.pop();
      const parent = work.at(-1)?.node;
      if (parent !== undefined) low.set(parent, Math.min(low.get(parent)!, low.get(node)!));
      if (low.get(node) !== index.get(node)) continue;
      const component = stack.splice(stack.indexOf(node));
      for (const member of component) onStack.delete(member);
      found.push(component);
    }
  }
  return found;
}

function isRelative(specifier: string): boolean {
  return specifier.startsWith('./') || specifier.startsWith('../') || specifier === '.' || specifier === '..';
}

function isSpec(path: string): boolean {
  return /\.spec\.tsx?$/.test(path);
}

/** The list of the policy rules is as pure as the rules. */
function isRules(path: string): boolean {
  return /\.rules?\.ts$|\/rules\/registry\.ts$/.test(path);
}

/** A thread's file is named as it is after the build. */
function resolve(from: string, specifier: string): string {
  return posix.join(posix.dirname(from), specifier).replace(/\.js$/, '.ts');
}
