import { describe, expect, test } from '@jest/globals';
import { LineDisplay, boardOf, countdown } from './display.ts';
import type { Scene, ShownCredential, Stage } from './scene.rules.ts';

const NOW = Date.parse('2026-11-22T10:00:00Z');
const credential = (n: number, stage: Stage, more: Partial<ShownCredential> = {}): ShownCredential => ({
  label: `Key ${n} of an integration with a long name`,
  supplier: 'Northwind Pay',
  authority: 'revoke_now',
  stage,
  detail: '',
  dueAt: null,
  ...more,
});
const scene = (credentials: ShownCredential[]): Scene => ({
  incident: { reference: 'INC-2026-0001', state: 'containing' },
  credentials,
  notices: [],
  deeds: [],
  copies: { total: 4, cleared: 1 },
});
const textOf = (lines: [string, string][][]) => lines.map((line) => line.map(([, text]) => text).join(''));

describe('the board', () => {
  test.each([
    [80, 24],
    [40, 12],
    [200, 60],
  ])('fits a terminal of %i by %i', (width, height) => {
    const many = Array.from({ length: 30 }, (_, n) =>
      credential(n, n === 29 ? 'unproven' : 'dead', {
        detail: 'Write to the security desk and note who confirms it',
        dueAt: n === 29 ? NOW + 3_600_000 : null,
      }),
    );
    const lines = textOf(boardOf(scene(many), { width, height, now: NOW }));
    expect(lines.length).toBeLessThan(height);
    expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(width);
    // What needs somebody comes before what is over.
    expect(lines.some((line) => line.includes('Key 29'))).toBe(true);
    expect(lines.join('\n')).toContain('1:00:00');
  });

  test('says in figures how far it is, and nothing that moves the cursor', () => {
    const lines = textOf(
      boardOf(scene([credential(1, 'dead', { label: 'Key\u001b[2J' }), credential(2, 'unproven')]), {
        width: 120,
        height: 40,
        now: NOW,
      }),
    ).join('\n');
    expect(lines).toContain('1 dead, 1 unproven of 2');
    expect(lines).not.toContain('\u001b');
  });
});

test('a line is one line', () => {
  let written = '';
  new LineDisplay({ write: (text: string) => ((written += text), true) } as NodeJS.WritableStream).say(
    'a\nb\u001b[1A',
    'dead',
  );
  expect(written).toMatch(/^ *\d+\.\d s {2}dead +a b \[1A\n$/);
});

test.each([
  [0, '0:00:00'],
  [3_599_999, '0:59:59'],
  [90_061_000, '25:01:01'],
  [-12_000, '-0:00:12'],
])('%i ms on a clock are %s', (milliseconds, text) => expect(countdown(milliseconds)).toBe(text));
