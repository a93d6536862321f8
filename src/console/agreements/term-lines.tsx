import type { Millis } from '../../kernel/time.ts';
import { HOUR, MINUTE } from '../../kernel/time.ts';

export interface TermLine {
  name: string;
  direction: 'to_party' | 'from_party';
  /** How long from the start event; null: without undue delay. */
  length: Millis | null;
  warn: Millis | null;
  escalate: Millis | null;
  /** "24 hours". */
  window: string;
}

const [LEFT, RIGHT, ROW, SIDE] = [190, 690, 30, 26];
const TICKS: readonly [Millis, string][] = [
  [HOUR, '1 h'],
  [4 * HOUR, '4 h'],
  [24 * HOUR, '1 d'],
  [72 * HOUR, '3 d'],
  [7 * 24 * HOUR, '7 d'],
  [30 * 24 * HOUR, '30 d'],
  [90 * 24 * HOUR, '90 d'],
];
const LEAST = 30 * MINUTE;

/**
 * Both directions on one axis: what we owe above the line, what is owed to us below. The axis is logarithmic, as windows
 * run from an hour to months; a duty without a number has no end.
 */
export function TermLines({ lines, partyName }: { lines: readonly TermLine[]; partyName: string }) {
  const longest = Math.max(...lines.map(({ length }) => length ?? 0), 24 * HOUR);
  const most = Math.log(longest * 1.5) - Math.log(LEAST);
  const x = (length: Millis) =>
    LEFT +
    Math.min(1, Math.max(0, (Math.log(Math.max(length, LEAST)) - Math.log(LEAST)) / most)) * (RIGHT - LEFT);
  const [above, below] = (['to_party', 'from_party'] as const).map((direction) =>
    lines.filter((line) => line.direction === direction),
  ) as [TermLine[], TermLine[]];
  const axis = SIDE + Math.max(1, above.length) * ROW;
  const height = axis + Math.max(1, below.length) * ROW + SIDE + 22;
  const rows = [
    ...above.map((line, at) => ({ line, y: SIDE + at * ROW })),
    ...below.map((line, at) => ({ line, y: axis + SIDE + at * ROW })),
  ];
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Terms as time lines">
      <svg
        class="chart wide lines"
        viewBox={`0 0 720 ${height}`}
        role="img"
        aria-label={`Terms as time lines: ${lines
          .map(
            ({ name, window, direction }) =>
              `${direction === 'to_party' ? `we tell ${partyName}` : `${partyName} tells us`}, ${name}: ${window}`,
          )
          .join('; ')}`}
      >
        {TICKS.filter(([at]) => at < longest * 1.5).map(([at, word]) => (
          <>
            <line class="grid" x1={x(at)} x2={x(at)} y1={SIDE - 6} y2={height - 20} />
            <text x={x(at)} y={height - 6} text-anchor="middle">
              {word}
            </text>
          </>
        ))}
        <text class="side node-text" x="0" y={14}>
          {`We tell ${partyName}`}
        </text>
        <line class="mid" x1="0" x2={RIGHT + 20} y1={axis} y2={axis} />
        <text class="side node-text" x="0" y={axis + 18}>
          {`${partyName} tells us`}
        </text>
        {above.length === 0 && (
          <text x="0" y={SIDE + 16}>
            nothing is promised
          </text>
        )}
        {below.length === 0 && (
          <text x="0" y={axis + SIDE + 16}>
            nothing is promised
          </text>
        )}
        {rows.map(({ line, y }) => (
          <Line line={line} y={y} x={x} />
        ))}
      </svg>
    </div>
  );
}

function Line({ line, y, x }: { line: TermLine; y: number; x: (length: Millis) => number }) {
  const name = line.name.length > 27 ? `${line.name.slice(0, 26)}…` : line.name;
  const end = line.length === null ? RIGHT : x(line.length);
  const inside = end > 560;
  return (
    <>
      <title>{`${line.name}: ${line.window}`}</title>
      <text class="node-text" x="0" y={y + 16}>
        {name}
      </text>
      {line.length === null ? (
        <path class="endless" d={`M${LEFT} ${y + 12}H${RIGHT}m-7 -5l8 5l-8 5`} />
      ) : (
        <>
          <rect class="lane" x={LEFT} y={y + 4} width={Math.max(3, end - LEFT)} height="16" rx="4" />
          {line.warn !== null && (
            <line class="tick" x1={x(line.warn)} x2={x(line.warn)} y1={y + 2} y2={y + 22} />
          )}
          {line.escalate !== null && (
            <line class="tick late" x1={x(line.escalate)} x2={x(line.escalate)} y1={y + 2} y2={y + 22} />
          )}
          <line class="due" x1={end} x2={end} y1={y + 1} y2={y + 23} />
        </>
      )}
      <text
        class="node-text"
        x={line.length === null ? LEFT + 8 : inside ? LEFT + 8 : end + 7}
        y={line.length === null ? y + 8 : y + 16}
      >
        {line.length === null ? 'without undue delay' : line.window.split(' in ')[0]}
      </text>
    </>
  );
}
