import { refusal, type Refusal } from '../../kernel/errors.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { readStrictJson, type JsonProblem } from '../../kernel/strict-json.ts';
import type { UsageReceipt } from './usage.schema.ts';

type RefusedEvent = UsageReceipt['refused'][number];

/** Events as they came, by their places; a line that is no JSON is refused alone. */
export interface ReadEvents {
  items: { index: number; item: unknown }[];
  refused: RefusedEvent[];
}

export const EVENT_MEDIA = ['application/json', 'application/jsonl', 'application/x-ndjson'] as const;
type Media = (typeof EVENT_MEDIA)[number];

export function isEventMedia(text: string): text is Media {
  return (EVENT_MEDIA as readonly string[]).includes(text);
}

/** One event, an array of events, or one event a line. */
export function readEvents(bytes: Buffer, media: Media): Result<ReadEvents, Refusal> {
  if (media === 'application/json') {
    // An event has at most a dozen members.
    const read = readStrictJson(bytes, { depth: 8, items: 200_000 });
    if (!read.ok) {
      const { pointer, problem, mend } = read.error;
      return err(
        refusal('invalid', `json-${read.error.code}`, `The body is refused: ${problem}.`, {
          fields: [{ field: pointer || '/', problem, mend }],
        }),
      );
    }
    const list: unknown[] = Array.isArray(read.value) ? read.value : [read.value];
    return ok({ items: list.map((item, index) => ({ index, item })), refused: [] });
  }
  const found: ReadEvents = { items: [], refused: [] };
  let index = 0;
  for (let from = 0; from < bytes.length;) {
    const end = bytes.indexOf(0x0a, from);
    const line = bytes.subarray(from, end === -1 ? bytes.length : end);
    from = end === -1 ? bytes.length : end + 1;
    if (line.every((byte) => byte === 0x20 || byte === 0x0d || byte === 0x09)) continue;
    const read = readStrictJson(line, { depth: 8, items: 100 });
    if (read.ok) found.items.push({ index, item: read.value });
    else found.refused.push({ index, ...refusedLine(read.error) });
    index += 1;
  }
  return ok(found);
}

function refusedLine({ code, pointer, problem, mend }: JsonProblem): Omit<RefusedEvent, 'index'> {
  return { field: pointer || '/', code: `json-${code}`, problem, mend };
}
