import { isAlias, isMap, isScalar, isSeq, LineCounter, parseAllDocuments, visit, type Document } from 'yaml';
import type { FieldProblem } from '../../kernel/errors.ts';
import { readStrictJson } from '../../kernel/strict-json.ts';
import { printable, rowsOfDocument, type RawRow } from './row.rules.ts';

/** What a whole-document file holds. Run in a worker thread: large documents take a second of pure computing. */
export interface DocumentRows {
  source: string | null;
  rows: RawRow[];
  /** Of the document itself; any of them refuses the file. */
  problems: (FieldProblem & { line: number })[];
}

const DEEPEST = 20;
const MOST_ITEMS = 4_000_000;

const refused = (line: number, field: string, problem: string, mend: string): DocumentRows => ({
  source: null,
  rows: [],
  problems: [{ line, field, problem, mend }],
});

/** JSON: RFC 8259, strictly; each row with the line on which it begins. */
export function readJsonDocument(bytes: Uint8Array): DocumentRows {
  const start = bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? 3 : 0; // a byte order mark, which RFC 8259 lets us ignore
  const body = start === 0 ? bytes : bytes.subarray(start);
  const read = readStrictJson(body, { depth: DEEPEST, items: MOST_ITEMS });
  if (!read.ok) {
    const { problem, pointer, mend } = read.error;
    return refused(lineOfProblem(body, pointer), printablePointer(pointer), problem, mend);
  }
  const lines = linesOfItems(new TextDecoder().decode(body));
  return rowsOfDocument(
    read.value,
    (collection, at) => lines.get(collection)?.[at] ?? lines.get(collection)?.[0] ?? 1,
  );
}

function printablePointer(pointer: string): string {
  return pointer.split('/').map(printable).join('/');
}

/** The line of the row that a pointer leads into, or of the first character that is no JSON. */
function lineOfProblem(bytes: Uint8Array, pointer: string): number {
  const text = new TextDecoder().decode(bytes);
  const [, collection, at] = pointer.split('/');
  const line = collection === undefined ? undefined : linesOfItems(text).get(collection)?.[Number(at ?? 0)];
  if (line !== undefined) return line;
  try {
    JSON.parse(text);
  } catch (thrown) {
    const position = /position (\d+)/.exec(String(thrown))?.[1];
    if (position !== undefined) return text.slice(0, Number(position)).split('\n').length;
  }
  return 1;
}

/**
 * Where the items of the lists of an object begin: a scan of structure alone, on text that need not be JSON. Lines are
 * counted from 1.
 */
export function linesOfItems(text: string): Map<string, number[]> {
  const found = new Map<string, number[]>();
  let line = 1;
  let depth = 0;
  let name = '';
  let lastString = '';
  let expectsItem = false;
  for (let at = 0; at < text.length; at++) {
    const char = text.charCodeAt(at);
    if (char === 0x0a) line++;
    else if (char === 0x22) {
      if (depth === 2 && expectsItem) begin();
      const start = at + 1;
      for (at++; at < text.length && text.charCodeAt(at) !== 0x22; at++) {
        if (text.charCodeAt(at) === 0x5c) at++;
      }
      if (depth === 1) lastString = text.slice(start, at);
    } else if (char === 0x7b || char === 0x5b) {
      if (depth === 2 && expectsItem) begin();
      depth++;
      if (depth === 2) {
        name = lastString;
        found.set(name, []);
        expectsItem = char === 0x5b;
      }
    } else if (char === 0x7d || char === 0x5d) {
      depth--;
      if (depth < 2) expectsItem = false;
    } else if (char === 0x2c) {
      if (depth === 2) expectsItem = true;
    } else if (char > 0x20 && char !== 0x3a && depth === 2 && expectsItem) begin();
  }
  return found;

  function begin(): void {
    found.get(name)?.push(line);
    expectsItem = false;
  }
}

/**
 * YAML 1.2, core schema, of the plain kind: no anchors, aliases, tags or second documents, no member twice. What an alias
 * saves in writing it costs in trust: a few lines of them unfold into gigabytes.
 */
export function readYamlDocument(bytes: Uint8Array): DocumentRows {
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return refused(1, '', 'the text is not well-formed UTF-8', 'Save the file as UTF-8.');
  }
  if (text.includes('\u0000')) return refused(1, '', 'the text holds a NUL character', 'Remove it.');
  const lines = new LineCounter();
  let documents: Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, {
      version: '1.2',
      schema: 'core',
      uniqueKeys: true,
      merge: false,
      strict: true,
      lineCounter: lines,
      prettyErrors: false,
    });
    documents = Array.isArray(parsed) ? parsed : [];
  } catch {
    // Only the stack can be at fault here: nesting thousands deep.
    return refused(1, '', 'nested too deeply', `Write it flatter: at most ${DEEPEST} levels.`);
  }
  const [document, second] = documents;
  if (!document) return refused(1, '', 'the file is empty', 'Write the lists of the portfolio.');
  if (second)
    return refused(
      lines.linePos(second.range[0]).line,
      '',
      'a second document begins here',
      'Put one document into a file.',
    );
  const [flaw] = [...document.errors, ...document.warnings];
  if (flaw) {
    const { line } = lines.linePos(flaw.pos[0]);
    const twice = flaw.code === 'DUPLICATE_KEY';
    return refused(
      line,
      '',
      twice ? 'a member stands there twice' : `no YAML: ${printable(flaw.message)}`,
      twice ? 'Write it once.' : 'Mend the text on this line.',
    );
  }
  const odd = oddity(document, lines);
  if (odd) return odd;
  const content = document.toJS({ maxAliasCount: 0 }) as unknown;
  const starts = new Map<string, number[]>();
  if (isMap(document.contents)) {
    for (const { key, value } of document.contents.items) {
      if (!isScalar(key)) continue;
      const begin = (node: unknown) =>
        lines.linePos((node as { range?: [number] } | null)?.range?.[0] ?? 0).line;
      starts.set(String(key.value), isSeq(value) ? value.items.map(begin) : [begin(key)]);
    }
  }
  return rowsOfDocument(
    content,
    (collection, at) => starts.get(collection)?.[at] ?? starts.get(collection)?.[0] ?? 1,
  );
}

/** What YAML allows and a portfolio does not. */
function oddity(document: Document.Parsed, lines: LineCounter): DocumentRows | undefined {
  let found: DocumentRows | undefined;
  visit(document, {
    Node(_, node, path) {
      const line = lines.linePos((node as { range?: [number] }).range?.[0] ?? 0).line;
      if (isAlias(node))
        found = refused(line, '', 'an alias', 'Write the thing out instead of referring to it with *.');
      else if ((node as { anchor?: string }).anchor !== undefined)
        found = refused(line, '', 'an anchor', 'Remove the &name: nothing may refer to it.');
      else if ((node as { tag?: string }).tag?.startsWith('!') === true)
        found = refused(line, '', 'a tag', 'Remove the !tag.');
      else if (path.length > 2 * DEEPEST)
        found = refused(line, '', `nested deeper than ${DEEPEST} levels`, 'Write it flatter.');
      else if (isScalar(node) && typeof node.value === 'string' && !node.value.isWellFormed())
        found = refused(line, '', 'ill-formed text', 'Write whole characters.');
      return found ? visit.BREAK : undefined;
    },
    Pair(_, pair) {
      const name = isScalar(pair.key) ? String(pair.key.value) : '';
      const line = lines.linePos((pair.key as { range?: [number] } | null)?.range?.[0] ?? 0).line;
      if (!isScalar(pair.key) || typeof pair.key.value !== 'string')
        found = refused(
          line,
          '',
          'the name of a member must be text',
          'Write a plain name before the colon.',
        );
      else if (['__proto__', 'constructor', 'prototype'].includes(name))
        found = refused(line, `/${name}`, `no member may be named ${name}`, 'Remove or rename it.');
      return found ? visit.BREAK : undefined;
    },
  });
  return found;
}
