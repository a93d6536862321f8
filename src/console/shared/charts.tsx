import type { Millis } from '../../kernel/time.ts';
import { span } from './parts.tsx';
import type { Tone } from './states.tsx';

/** A name that fits its box; the whole of it is in the box's title. */
function fit(text: string, length: number): string {
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}

export interface GraphNode {
  id: string;
  title: string;
  note: string;
  /** Column, from the left. */
  depth: number;
  path?: string | undefined;
  tone?: Tone | undefined;
}

const BOX = { width: 176, height: 48, gapX: 64, gapY: 14 };

/**
 * What stands on what, in columns by depth. Rows do not say on which box of the column before one rests, so columns are
 * joined by a rail and not box to box.
 */
export function DependencyGraph({ nodes, label }: { nodes: readonly GraphNode[]; label: string }) {
  const columns = new Map<number, GraphNode[]>();
  for (const node of nodes) columns.set(node.depth, [...(columns.get(node.depth) ?? []), node]);
  const depths = [...columns.keys()].sort((a, b) => a - b);
  const tallest = Math.max(...[...columns.values()].map((column) => column.length));
  const height = tallest * (BOX.height + BOX.gapY) + 8;
  const width = depths.length * (BOX.width + BOX.gapX) - BOX.gapX + 4;
  const middle = height / 2;
  const place = (column: readonly GraphNode[], at: number) =>
    middle - ((column.length - 1) / 2 - at) * (BOX.height + BOX.gapY);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <svg
        class="chart"
        width={width}
        height={height}
        viewBox={`0 0 ${width} ${height}`}
        role="group"
        aria-label={`${label}: ${nodes.map((node) => `${node.title}, ${node.note}`).join('; ')}`}
      >
        {depths.slice(1).map((depth, at) => {
          const from = columns.get(depths[at]!)!;
          const to = columns.get(depth)!;
          const left = at * (BOX.width + BOX.gapX) + BOX.width + 2;
          const rail = left + BOX.gapX / 2;
          const ys = [...from.map((_, i) => place(from, i)), ...to.map((_, i) => place(to, i))];
          return (
            <>
              {from.map((_, i) => (
                <path class="edge" d={`M${left} ${place(from, i)}H${rail}`} />
              ))}
              <path class="edge" d={`M${rail} ${Math.min(...ys)}V${Math.max(...ys)}`} />
              {to.map((_, i) => (
                <path class="edge" d={`M${rail} ${place(to, i)}H${left + BOX.gapX - 8}m-5 -4l6 4l-6 4`} />
              ))}
            </>
          );
        })}
        {depths.map((depth, at) =>
          columns.get(depth)!.map((node, i) => {
            const x = at * (BOX.width + BOX.gapX) + 2;
            const y = place(columns.get(depth)!, i) - BOX.height / 2;
            const box = (
              <>
                <title>{`${node.title}: ${node.note}`}</title>
                <rect
                  class={`node ${node.tone ?? ''}`}
                  x={x}
                  y={y}
                  width={BOX.width}
                  height={BOX.height}
                  rx="7"
                />
                <text class="node-text" x={x + 12} y={y + 20}>
                  {fit(node.title, 23)}
                </text>
                <text x={x + 12} y={y + 37}>
                  {fit(node.note, 27)}
                </text>
              </>
            );
            return node.path ? <a href={node.path}>{box}</a> : box;
          }),
        )}
      </svg>
    </div>
  );
}

export interface Strip {
  name: string;
  /** What it is now, in a word. */
  word: string;
  tone: Tone;
  from: Millis | null;
  until: Millis | null;
}

/** Spans of time under each other on one axis, with a line for now. An open end runs to the edge. */
export function TimeStrips({ strips, now, label }: { strips: readonly Strip[]; now: Millis; label: string }) {
  const known = strips.flatMap(({ from, until }) => [from, until]).filter((at) => at !== null);
  const [first, last] = [Math.min(now, ...known), Math.max(now, ...known)];
  const room = Math.max(last - first, 60_000) * 0.06;
  const [start, end] = [first, last + room];
  const x = (at: Millis) => 150 + ((at - start) / (end - start)) * 395;
  const height = strips.length * 26 + 28;
  const day = (at: Millis) => new Date(at).toISOString().slice(0, 10);
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label={label}>
      <svg
        class="chart wide"
        viewBox={`0 0 560 ${height}`}
        role="img"
        aria-label={`${label}: ${strips
          .map(
            (s) =>
              `${s.name} ${s.word}, ${s.from === null ? 'start unknown' : `from ${day(s.from)}`}${s.until === null ? '' : ` until ${day(s.until)}`}`,
          )
          .join('; ')}`}
      >
        <line class="axis" x1="150" x2="550" y1={height - 18} y2={height - 18} />
        {strips.map((strip, at) => {
          const from = x(strip.from ?? start);
          const until = Math.max(from + 3, x(strip.until ?? end));
          const y = at * 26 + 6;
          return (
            <>
              <text class="node-text" x="0" y={y + 12}>
                {fit(`${strip.name} · ${strip.word}`, 24)}
              </text>
              <rect class={`span ${strip.tone}`} x={from} y={y} width={until - from} height="15" rx="4" />
            </>
          );
        })}
        <line class="now" x1={x(now)} x2={x(now)} y1="0" y2={height - 18} />
        <text x={x(now)} y={height - 5} text-anchor={x(now) > 520 ? 'end' : 'middle'}>
          now
        </text>
        {x(now) > 250 && (
          <text x="150" y={height - 5}>
            {day(start)}
          </text>
        )}
      </svg>
    </div>
  );
}

export interface Lane {
  name: string;
  /** What tells it from others of its name. */
  note?: string;
  startAt: Millis;
  warnAt: Millis | null;
  escalateAt: Millis | null;
  dueAt: Millis | null;
  /** When it ended, if it has. */
  endedAt: Millis | null;
  tone: Tone;
  word: string;
}

/** Clocks that run towards their due times, one under the other, from the earliest start to the latest end. */
export function ClockLanes({ lanes, now, label }: { lanes: readonly Lane[]; now: Millis; label: string }) {
  const dated = lanes.filter((lane) => lane.dueAt !== null);
  if (dated.length === 0) return null;
  const start = Math.min(...dated.map((lane) => lane.startAt));
  const latest = Math.max(...dated.map((lane) => Math.max(lane.dueAt ?? 0, lane.endedAt ?? 0)));
  const end = Math.min(Math.max(latest, now), start + 40 * 86_400_000);
  const x = (at: Millis) => ((Math.min(at, end) - start) / Math.max(1, end - start)) * 1000;
  return (
    <div
      class="lanes"
      role="img"
      aria-label={`${label}: ${dated.map((lane) => `${[lane.name, lane.note].filter(Boolean).join(', ')}: ${lane.word}`).join('; ')}`}
    >
      {dated.map((lane) => {
        const due = lane.dueAt ?? end;
        return (
          <>
            <div class="lane-name">
              {lane.name}
              {lane.note && <span class="soft small"> {lane.note}</span>}
            </div>
            <svg class="chart lane-bar" viewBox="0 0 1000 22" preserveAspectRatio="none" aria-hidden="true">
              <rect
                class="lane"
                x={x(lane.startAt)}
                y="3"
                width={Math.max(4, x(due) - x(lane.startAt))}
                height="16"
              />
              <rect
                class={`span ${lane.tone}`}
                x={x(lane.startAt)}
                y="3"
                width={Math.max(
                  4,
                  x(Math.min(lane.endedAt ?? now, Math.max(due, lane.endedAt ?? now))) - x(lane.startAt),
                )}
                height="16"
              />
              {lane.warnAt !== null && <Stroke kind="tick" x={x(lane.warnAt)} />}
              {lane.escalateAt !== null && <Stroke kind="tick late" x={x(lane.escalateAt)} />}
              <Stroke kind="due" x={x(due)} />
              {now <= end && <Stroke kind="now" x={x(now)} />}
            </svg>
          </>
        );
      })}
      <div class="lane-ends soft small">
        <span>start</span>
        <span>{`${span(end - start)} later`}</span>
      </div>
    </div>
  );
}

/** An upright line that keeps its width however wide the bar is drawn. */
function Stroke({ kind, x }: { kind: string; x: number }) {
  const inside = Math.min(998, Math.max(2, x));
  return <line class={kind} x1={inside} x2={inside} y1="0" y2="22" vector-effect="non-scaling-stroke" />;
}
