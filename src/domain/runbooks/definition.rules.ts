import { createHash } from 'node:crypto';
import { isMap, isScalar, isSeq, LineCounter, parseDocument, type Node } from 'yaml';
import type { FieldProblem } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { definitionSchema, type Definition } from './definition.schema.ts';

export interface Parsed {
  definition: Definition;
  /** The line, counted from 1, of a step's key; of the step where the key is absent. */
  lineOf(stepId: string, key?: string): number | undefined;
}

/** A runbook's text as a definition, or every place where its shape is wrong. Each problem names file, line and mend. */
export function parseDefinition(text: string, file: string): Result<Parsed, FieldProblem[]> {
  const lines = new LineCounter();
  // Aliases are how a small YAML grows large; a runbook needs none.
  const document = parseDocument(text, {
    lineCounter: lines,
    uniqueKeys: true,
    prettyErrors: false,
    version: '1.2',
  });
  if (document.errors.length > 0) {
    return err(
      document.errors.map((error) => ({
        field: file,
        problem: error.message.split('\n')[0]!,
        mend: 'Correct the YAML at this line.',
        line: lines.linePos(error.pos[0]).line,
      })),
    );
  }
  const lineAt = (path: readonly PropertyKey[]) => lineOfPath(document.contents, path, lines);
  let value: unknown;
  try {
    value = document.toJS({ maxAliasCount: 0 });
  } catch (thrown) {
    return err([
      {
        field: file,
        problem: String(thrown instanceof Error ? thrown.message : thrown),
        mend: 'Write the value out instead of using an alias.',
        line: 1,
      },
    ]);
  }
  const parsed = definitionSchema.safeParse(value);
  if (!parsed.success) {
    return err(
      parsed.error.issues.map((issue) => {
        const path = issue.code === 'unrecognized_keys' ? [...issue.path, issue.keys[0]!] : issue.path;
        return {
          field: `${file}: ${path.map(String).join('.')}`,
          problem: issue.message,
          mend:
            issue.code === 'unrecognized_keys'
              ? 'Remove it, or correct its spelling.'
              : 'Correct the value at this line.',
          line: lineAt(path),
        };
      }),
    );
  }
  const definition = parsed.data;
  const index = new Map(definition.steps.map((step, i) => [step.id, i]));
  return ok({
    definition,
    lineOf: (stepId, key) => lineAt(['steps', index.get(stepId) ?? 0, ...(key === undefined ? [] : [key])]),
  });
}

/** The line of the deepest node that exists along a path. */
function lineOfPath(root: Node | null, path: readonly PropertyKey[], lines: LineCounter): number | undefined {
  let at: unknown = root;
  let offset = root?.range?.[0];
  for (const key of path) {
    if (isMap(at)) {
      const pair = at.items.find((item) => isScalar(item.key) && item.key.value === key);
      if (!pair) break;
      offset = (pair.key as Node).range?.[0] ?? offset;
      at = pair.value;
    } else if (isSeq(at)) {
      const item = at.items[Number(key)] as Node | undefined;
      if (!item) break;
      offset = item.range?.[0] ?? offset;
      at = item;
    } else break;
  }
  return offset === undefined ? undefined : lines.linePos(offset).line;
}

/** What a run is pinned to: SHA-256 over the definition with sorted keys, so that comments and layout do not count. */
export function definitionHash(definition: Definition): string {
  return createHash('sha256')
    .update(JSON.stringify(sorted(definition)))
    .digest('hex');
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, inner]) => inner !== undefined)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, inner]) => [key, sorted(inner)]),
  );
}
