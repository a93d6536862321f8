import { parseSync } from '@swc/core';

/** What the rules of the house ask about one file, read by a real parser. */
export interface Source {
  path: string;
  imports: Import[];
  /** Lines that touch `process.env`. */
  environment: number[];
  /** Lines that call the global `fetch`, or make a socket that the platform gives for free. */
  fetches: number[];
  onlyReexports: boolean;
}

export interface Import {
  /** Null: computed, so that nobody can tell before it runs. */
  specifier: string | null;
  line: number;
  /** Erased by the compiler. Counts for the floors all the same: what a type says, its reader must know. */
  typeOnly: boolean;
  /** Of the other module, as it calls them; `*` for all of it. */
  names: string[];
  kind: 'static' | 'dynamic' | 'url';
}

/** @throws Error naming the file that does not parse */
export function readSource(path: string, text: string): Source {
  const source: Source = { path, imports: [], environment: [], fetches: [], onlyReexports: false };
  // The parser counts bytes through all the files that it ever saw: a first statement of ours tells where this one begins.
  const marked = `0;\n${text.replace(/^#!/, '//')}`;
  const bytes = Buffer.from(marked);
  let root: Node;
  try {
    root = parseSync(marked, {
      syntax: 'typescript',
      tsx: path.endsWith('.tsx'),
      decorators: true,
      target: 'es2023',
    }) as unknown as Node;
  } catch (thrown) {
    throw new Error(`${path} does not parse`, { cause: thrown });
  }
  const start = root.span!.start;
  const lineOf = (node: Node): number => {
    let line = 0;
    for (let at = (node.span?.start ?? start) - start - 1; at >= 0; at--) if (bytes[at] === 0x0a) line++;
    return line;
  };
  visit(root, (node) => read(node, source, lineOf));
  const statements = (root.body as Node[]).slice(1);
  source.onlyReexports =
    statements.length > 0 &&
    statements.every(
      ({ type, source: from }) =>
        type === 'ExportAllDeclaration' || (type === 'ExportNamedDeclaration' && from),
    );
  return source;
}

interface Node {
  type: string;
  span?: { start: number; end: number };
  [member: string]: unknown;
}

function visit(value: unknown, each: (node: Node) => void): void {
  if (Array.isArray(value)) {
    for (const item of value) visit(item, each);
  } else if (typeof value === 'object' && value !== null) {
    if (typeof (value as Node).type === 'string') each(value as Node);
    for (const [name, member] of Object.entries(value)) if (name !== 'span') visit(member, each);
  }
}

function read(node: Node, source: Source, lineOf: (node: Node) => number): void {
  const line = () => lineOf(node);
  switch (node.type) {
    case 'ImportDeclaration': {
      const specifiers = node['specifiers'] as Node[];
      const values = specifiers.filter((one) => one['isTypeOnly'] !== true);
      const typeOnly = node['typeOnly'] === true || (specifiers.length > 0 && values.length === 0);
      const names = (typeOnly ? specifiers : values).map(importedName);
      source.imports.push({
        specifier: textOf(node['source']),
        line: line(),
        typeOnly,
        names,
        kind: 'static',
      });
      if (names.includes('env') && /^(node:)?process$/.test(textOf(node['source']) ?? ''))
        source.environment.push(line());
      return;
    }
    case 'ExportAllDeclaration':
    case 'ExportNamedDeclaration':
      if (node['source']) {
        source.imports.push({
          specifier: textOf(node['source']),
          line: line(),
          typeOnly: node['typeOnly'] === true,
          names: ['*'],
          kind: 'static',
        });
      }
      return;
    case 'TsImportType':
      source.imports.push({
        specifier: textOf(node['argument']),
        line: line(),
        typeOnly: true,
        names: ['*'],
        kind: 'static',
      });
      return;
    case 'CallExpression':
      readCall(node, source, line);
      return;
    case 'NewExpression':
      readNew(node, source, line);
      return;
    case 'MemberExpression':
      if (isName(node['object'], 'process') && nameOf(node['property']) === 'env')
        source.environment.push(line());
      return;
    case 'VariableDeclarator':
      if (isName(node['init'], 'process') && JSON.stringify(node['id']).includes('"value":"env"'))
        source.environment.push(line());
      return;
    default:
  }
}

function readCall(node: Node, source: Source, line: () => number): void {
  const callee = node['callee'] as Node;
  const first = (node['arguments'] as { expression: Node }[])[0]?.expression;
  if (callee.type === 'Import' || isName(callee, 'require')) {
    source.imports.push({
      specifier: textOf(first),
      line: line(),
      typeOnly: false,
      names: ['*'],
      kind: 'dynamic',
    });
  }
  const global =
    callee.type === 'MemberExpression' && isName(callee['object'], 'globalThis')
      ? nameOf(callee['property'])
      : null;
  if (isName(callee, 'fetch') || global === 'fetch') source.fetches.push(line());
}

function readNew(node: Node, source: Source, line: () => number): void {
  const callee = node['callee'] as Node;
  if (isName(callee, 'WebSocket') || isName(callee, 'EventSource')) source.fetches.push(line());
  const [path, base] = ((node['arguments'] as { expression: Node }[] | undefined) ?? []).map(
    ({ expression }) => expression,
  );
  // new URL('./thread.js', import.meta.url): the usual way to name a file that runs beside us.
  if (!isName(callee, 'URL') || !base || !JSON.stringify(base).includes('"MetaProperty"')) return;
  const text = textOf(path);
  if (text !== null && /^\.\.?\/.*\.[jt]sx?$/.test(text)) {
    source.imports.push({ specifier: text, line: line(), typeOnly: false, names: ['*'], kind: 'url' });
  }
}

function importedName(specifier: Node): string {
  if (specifier.type !== 'ImportSpecifier') return '*';
  const imported = (specifier['imported'] ?? specifier['local']) as Node;
  return String(imported['value']);
}

function textOf(node: unknown): string | null {
  const { type, value, quasis, expressions } = (node ?? {}) as Node;
  if (type === 'StringLiteral') return String(value);
  if (type === 'TemplateLiteral' && (expressions as unknown[] | undefined)?.length === 0) {
    return String((quasis as { cooked: unknown }[])[0]!.cooked);
  }
  return null;
}

function nameOf(property: unknown): string | null {
  const { type, value, expression } = (property ?? {}) as Node;
  if (type === 'Identifier') return String(value);
  return type === 'Computed' ? textOf(expression) : null;
}

function isName(node: unknown, name: string): boolean {
  const { type, value } = (node ?? {}) as Node;
  return type === 'Identifier' && value === name;
}
