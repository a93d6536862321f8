import { describe, expect, test } from '@jest/globals';
import { z } from 'zod';
import { checkDefinition, type Installed } from './check.rules.ts';
import { definitionHash, parseDefinition } from './definition.rules.ts';
import { holds, lookUp, resolveWith, type Facts } from './facts.rules.ts';

const installed: Installed = {
  action: (name) =>
    ({
      'no-op': { with: z.strictObject({ note: z.string().optional() }) },
      'manual-task': { with: z.strictObject({ what: z.string() }), waitsFor: 'person' as const },
      approval: { with: z.strictObject({ question: z.string() }), waitsFor: 'person' as const },
    })[name],
  actionNames: () => ['approval', 'manual-task', 'no-op'],
  hasSelector: (name) => name === 'things',
  selectorNames: () => ['things'],
};
const head = 'id: r\ntitle: R\nversion: 1\nsteps:\n';
const check = (steps: string) => {
  const parsed = parseDefinition(head + steps, 'r.yaml');
  return parsed.ok ? checkDefinition(parsed.value, 'r.yaml', installed) : parsed.error;
};

describe('a runbook’s text', () => {
  test('a sound one has no problem', () => {
    expect(
      check('  - { id: a, title: A, uses: no-op, with: { note: $item.label }, forEach: things }\n'),
    ).toEqual([]);
  });

  test.each([
    ['  - { id: a, title: A, uses: explode }\n', 5, /"explode", which is not installed/],
    ['  - { id: a, title: A, uses: no-op, forEach: ghosts }\n', 5, /no installed selector/],
    [
      '  - id: a\n    title: A\n    uses: no-op\n    needs: [b]\n  - { id: b, title: B, uses: no-op, needs: [a] }\n',
      8,
      /circle/,
    ],
    ['  - { id: a, title: A, uses: no-op, with: { colour: red } }\n', 5, /colour/],
    [
      '  - id: a\n    title: A\n    uses: manual-task\n    owner: responder\n    with: { what: 3 }\n    dueWithin: 1h\n',
      9,
      /what/,
    ],
    ['  - { id: a, title: A, uses: manual-task, with: { what: x }, dueWithin: 1h }\n', 5, /no owner/],
    ['  - { id: a, title: A, uses: manual-task, with: { what: x }, owner: responder }\n', 5, /no deadline/],
    [
      '  - { id: a, title: A, uses: approval, with: { question: x }, owner: responder, dueWithin: 1h }\n',
      5,
      /without saying whose/,
    ],
    ['  - { id: a, title: A, uses: no-op, timeout: soon }\n', 5, /duration/],
    ['  - { id: a, title: A, uses: no-op, colour: red }\n', 5, /colour/],
    [
      '  - { id: a, title: A, uses: no-op, with: { note: $steps.b.output.x } }\n  - { id: b, title: B, uses: no-op }\n',
      5,
      /does not need the step "b"/,
    ],
    ['  - { id: a, title: A, uses: no-op, with: { note: $item.key } }\n', 5, /does not fan out/],
    ['  - { id: a, title: A, uses: no-op, warnAfter: 2h, dueWithin: 1h }\n', 5, /already overdue/],
    ['  - { id: a, title: A, id: b, uses: no-op }\n', 5, /unique/],
    ['  - &a { id: a, title: A, uses: no-op }\n  - *a\n', 1, /alias/i],
  ])('%j is refused at line %i', (steps, line, problem) => {
    const found = check(steps);
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]!.problem).toMatch(problem);
    expect(found[0]!).toMatchObject({
      line,
      field: expect.stringContaining('r.yaml'),
      mend: expect.stringMatching(/\w/),
    });
  });

  test('its hash ignores layout and comments, and sees every value', () => {
    const hash = (text: string) => {
      const parsed = parseDefinition(text, 'r.yaml');
      if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
      return definitionHash(parsed.value.definition);
    };
    const plain = hash(`${head}  - { id: a, title: A, uses: no-op }\n`);
    expect(hash(`# a remark\n${head}  - uses: no-op\n    title: A\n    id: a\n`)).toBe(plain);
    expect(hash(`${head}  - { id: a, title: A, uses: no-op, timeout: 1s }\n`)).not.toBe(plain);
  });
});

describe('facts', () => {
  const facts: Facts = {
    item: {
      key: 'k',
      label: 'L',
      subject: { kind: 'version', id: 'v1' },
      facts: { revocable: true, gone: null },
      priority: 1,
    },
    input: { reason: 'leak', deep: { er: 1 } },
    steps: { ask: { by: 'me' } },
    subject: { kind: 'incident', id: 'i1' },
    run: { id: 'r1' },
  };

  test('paths reach item, input, outputs, subject and run, and nothing else', () => {
    expect(
      [
        'item.key',
        'item.revocable',
        'item.subject.id',
        'input.deep.er',
        'steps.ask.output.by',
        'subject.id',
        'run.id',
      ].map((path) => lookUp(path, facts)),
    ).toEqual(['k', true, 'v1', 1, 'me', 'i1', 'r1']);
    for (const path of [
      'item.constructor',
      'input.__proto__.x',
      'steps.ask.by',
      'input.reason.length',
      'process.env',
    ]) {
      expect(lookUp(path, facts)).toBeUndefined();
    }
  });

  test('conditions: all must hold; null does not exist', () => {
    expect(
      holds(
        [
          { fact: 'item.revocable', equals: true },
          { fact: 'input.reason', in: ['leak', 'loss'] },
        ],
        facts,
      ),
    ).toBe(true);
    expect(holds([{ fact: 'item.gone', exists: true }], facts)).toBe(false);
    expect(holds([{ fact: 'item.absent', equals: 'x' }], facts)).toBe(false);
    expect(holds([{ fact: 'item.absent', equals: null }], facts)).toBe(true);
  });

  test('references are replaced, literals kept, and what is absent leaves its key out', () => {
    expect(
      resolveWith({ a: '$item.key', b: ['$input.reason', 'x'], c: '$$5', d: '$input.none' }, facts),
    ).toEqual({ a: 'k', b: ['leak', 'x'], c: '$5' });
  });
});
