import type { WriteStream } from 'node:tty';
import type { Line, Scene, ShownCredential, Stage } from './scene.rules.ts';

export type Kind = Line['kind'] | 'reported' | 'step' | 'error';

/** How the demonstration tells what happens: lines, and on a terminal a board below them that redraws itself. */
export interface Display {
  say(text: string, kind?: Kind): void;
  show(scene: Scene): void;
  /** Leaves the last board where it is. */
  settle(): void;
}

const started = Date.now();
const elapsed = (): string => `${((Date.now() - started) / 1000).toFixed(1).padStart(6)} s`;

const COLOURS: Record<string, string> = {
  revoked: '33',
  dead: '32',
  open: '31',
  mail: '36',
  acknowledged: '32',
  person: '35',
  incident: '1',
  waits: '33',
  reported: '34',
  step: '2',
  error: '31;1',
};

/** Text from outside may hold what moves a terminal's cursor. */
const plain = (text: string): string => text.replaceAll(/[\u0000-\u001f\u007f-\u009f]+/g, ' ');

export class LineDisplay implements Display {
  constructor(private readonly out: NodeJS.WritableStream) {}

  say(text: string, kind: Kind = 'step'): void {
    this.out.write(`${elapsed()}  ${kind === 'step' ? '' : `${kind.padEnd(13)}`}${plain(text)}\n`);
  }
  show(): void {}
  settle(): void {}
}

const MARKS: Record<Stage, [mark: string, colour: string, word: string]> = {
  reported: ['·', '2', 'reported'],
  approval: ['◔', '33', 'waits for approval'],
  replacement: ['◔', '33', 'replaced first'],
  revoking: ['◑', '33', 'revoking'],
  revoked: ['◕', '33', 'revoked, probing'],
  dead: ['●', '32', 'dead, proven'],
  unproven: ['○', '31', 'unproven'],
};

export class BoardDisplay implements Display {
  private drawn = 0;
  private last: Scene | null = null;
  private timer: NodeJS.Timeout | null = null;

  constructor(private readonly out: WriteStream) {}

  say(text: string, kind: Kind = 'step'): void {
    this.erase();
    const label = kind === 'step' ? '' : this.paint(COLOURS[kind] ?? '0', kind.padEnd(13));
    const said = kind === 'step' ? this.paint('2', plain(text)) : plain(text);
    this.out.write(`${this.paint('2', elapsed())}  ${label}${said}\n`);
    this.draw();
  }

  show(scene: Scene): void {
    this.last = scene;
    this.erase();
    this.draw();
    // Clocks run although nothing else moves.
    this.timer ??= setInterval(() => {
      this.erase();
      this.draw();
    }, 1_000).unref();
  }

  settle(): void {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    this.drawn = 0;
    this.last = null;
  }

  private erase(): void {
    if (this.drawn > 0) this.out.write(`\u001b[${this.drawn}A\u001b[0J`);
    this.drawn = 0;
  }

  private draw(): void {
    if (!this.last) return;
    const lines = boardOf(this.last, {
      width: this.out.columns || 80,
      height: this.out.rows || 24,
      now: Date.now(),
    }).map((line) => line.map(([colour, text]) => this.paint(colour, text)).join(''));
    this.out.write(lines.map((line) => `${line}\n`).join(''));
    this.drawn = lines.length;
  }

  private paint(colour: string, text: string): string {
    return process.env['NO_COLOR'] || colour === '0' ? text : `\u001b[${colour}m${text}\u001b[0m`;
  }
}

type Painted = [colour: string, text: string];

/** The board, line by line; no line is wider than the terminal, and there are fewer than it has. */
export function boardOf(scene: Scene, o: { width: number; height: number; now: number }): Painted[][] {
  const count = (stage: Stage): number => scene.credentials.filter((one) => one.stage === stage).length;
  const sent = scene.notices.filter((one) => one.dispatch === 'accepted').length;
  const acknowledged = scene.notices.filter((one) => one.receipt === 'acknowledged').length;
  const missed = scene.notices.filter((one) => one.timeliness === 'missed').length;
  const title = scene.incident
    ? `${scene.incident.reference}  ${scene.incident.state}`
    : 'nothing reported yet';
  const summary = `${count('dead')} dead, ${count('unproven')} unproven of ${scene.credentials.length}   notices ${sent}/${scene.notices.length} sent, ${acknowledged} acknowledged, ${missed} missed   copies ${scene.copies.cleared}/${scene.copies.total} cleared`;
  const lines: Painted[][] = [[], [['1', fit(title, o.width)]]];
  // The two lines above, the summary, and one for the cursor.
  const room = Math.max(3, o.height - 5);
  const rows =
    scene.credentials.length <= room ? scene.credentials : mostPressing(scene.credentials, room - 1);
  const roomy = o.width >= 76;
  const nameWidth = Math.max(10, Math.min(46, o.width - (roomy ? 42 : 30)));
  for (const one of rows) {
    const [mark, colour, word] = MARKS[one.stage];
    const clock = one.dueAt === null ? '' : `  ${countdown(one.dueAt - o.now)}`;
    const rest = `${word}${one.stage === 'unproven' && one.detail ? `: ${plain(one.detail)}` : ''}`;
    const supplier = roomy ? `${fit(plain(one.supplier), 17).padEnd(17)} ` : '';
    const space = o.width - 2 - nameWidth - 1 - supplier.length - clock.length;
    lines.push([
      [colour, `${mark} `],
      ['0', `${fit(plain(one.label), nameWidth).padEnd(nameWidth)} `],
      ['2', supplier],
      [colour, fit(rest, Math.max(0, space))],
      ['33', clock],
    ]);
  }
  if (rows.length < scene.credentials.length)
    lines.push([['2', `  and ${scene.credentials.length - rows.length} more`]]);
  lines.push([['2', fit(summary, o.width)]]);
  return lines;
}

const URGENCY: Stage[] = ['unproven', 'approval', 'replacement', 'revoked', 'revoking', 'reported', 'dead'];

function mostPressing(credentials: readonly ShownCredential[], room: number): ShownCredential[] {
  return [...credentials].sort((a, b) => URGENCY.indexOf(a.stage) - URGENCY.indexOf(b.stage)).slice(0, room);
}

const fit = (text: string, width: number): string =>
  text.length <= width ? text : `${text.slice(0, Math.max(0, width - 1))}…`;

/** `23:41:07`, or `-0:00:12` once it is over. */
export function countdown(milliseconds: number): string {
  const seconds = Math.floor(Math.abs(milliseconds) / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number): string => String(n).padStart(2, '0');
  return `${milliseconds < 0 ? '-' : ''}${h}:${two(m)}:${two(s)}`;
}
