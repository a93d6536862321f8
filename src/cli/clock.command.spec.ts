import { afterEach, describe, expect, jest, test } from '@jest/globals';
import { Command, CommanderError } from 'commander';
import { addClock } from './clock.command.ts';
import { reportFailure } from './failure.ts';

afterEach(() => {
  jest.restoreAllMocks();
  process.exitCode = undefined;
});

/** The command as a person runs it. */
async function run(...words: string[]): Promise<{ status: number; out: string; err: string }> {
  const said = { out: '', err: '' };
  const to = (name: 'out' | 'err') => (text: unknown) => {
    said[name] += String(text);
    return true;
  };
  jest.spyOn(process.stdout, 'write').mockImplementation(to('out'));
  jest.spyOn(process.stderr, 'write').mockImplementation(to('err'));
  const program = new Command().exitOverride().configureOutput({ writeErr: to('err'), writeOut: to('out') });
  addClock(program);
  for (const one of program.commands) one.exitOverride();
  let status = 0;
  try {
    await program.parseAsync(['node', 'countersign', 'clock', ...words]);
    status = Number(process.exitCode ?? 0);
  } catch (thrown) {
    status = thrown instanceof CommanderError ? 2 : reportFailure(thrown);
  }
  jest.restoreAllMocks();
  process.exitCode = undefined;
  return { status, ...said };
}

interface Answer {
  rule: string;
  phases: { phase: string; due: string | null; dueDate: string | null; why: string }[];
  notStarted: { phase: string; why: string }[];
}
async function answer(...words: string[]): Promise<Answer> {
  const done = await run(...words, '--json');
  expect({ status: done.status, err: done.err }).toEqual({ status: 0, err: '' });
  return JSON.parse(done.out) as Answer;
}

describe('countersign clock', () => {
  test.each([
    ['gdpr-33-1', '9999-12-31T00:00Z'],
    ['sec-8k-1-05', '9999-12-31T00:00Z'],
    ['sec-8k-1-05', '9999-12-31T23:59:59-12:00'],
    ['gdpr-33-1', '0001-01-01T00:00+14:00'],
  ])('%s from %s leaves the years that a date can name, and says so', async (rule, start) => {
    const done = await run(rule, '--start', start, '--json');
    expect([done.status, JSON.parse(done.out)]).toMatchObject([2, { code: 'beyond-years' }]);
    expect((await run(rule, '--start', '9998-12-01T00:00:00Z', '--json')).status).toBe(0);
  });

  test('prints each phase that can be computed, and names those that wait', async () => {
    const { rule, phases, notStarted } = await answer(
      'dora-19',
      '--start',
      '2026-11-23T09:00:00+01:00',
      '--classified',
      '2026-11-23T10:00:00+01:00',
    );
    expect(rule).toBe('dora-19');
    expect(phases).toEqual([
      {
        phase: 'initial',
        due: '2026-11-23T13:00:00.000Z',
        dueDate: '2026-11-23',
        why: expect.stringContaining('+ 4 hours'),
      },
    ]);
    expect(notStarted.map(({ phase }) => phase)).toEqual(['intermediate', 'final']);
  });

  test('a submission stands for each report, or for the one that it names', async () => {
    const both = await answer('dora-19', '--submitted', '2026-11-23T10:00:00Z');
    expect(both.phases.map(({ phase, dueDate }) => [phase, dueDate])).toEqual([
      ['intermediate', '2026-11-26'],
      ['final', '2026-12-23'],
    ]);
    const one = await answer('dora-19', '--submitted', 'initial=2026-11-23T10:00:00Z');
    expect(one.phases.map(({ phase }) => phase)).toEqual(['intermediate']);
  });

  test('reads a time without an offset in the zone, and counts days there', async () => {
    const { phases } = await answer(
      'hipaa-164-410',
      '--start',
      '2026-01-01T23:30',
      '--zone',
      'America/Denver',
    );
    expect(phases[0]).toMatchObject({ due: '2026-03-03T06:59:59.999Z', dueDate: '2026-03-02' });
  });

  test('without a zone days are counted by the offset of the time, or where the law has its place', async () => {
    const late = ['--start', '2026-01-01T23:30:00-07:00'];
    expect((await answer('hipaa-164-410', ...late)).phases[0]!.dueDate).toBe('2026-03-02');
    expect((await answer('sg-pdpa-26d', ...late)).phases[0]!.dueDate).toBe('2026-01-05');
  });

  test('takes the holidays of the Member State that the zone or the country names', async () => {
    const facts = ['--start', '2026-04-30T12:00:00+02:00', '--classified', '2026-04-30T20:00:00+02:00'];
    const due = async (...more: string[]) => (await answer('dora-19', ...facts, ...more)).phases[0]!.due;
    // The first of May 2026 is a Friday.
    expect(await due('--zone', 'Europe/Berlin')).toBe('2026-05-04T10:00:00.000Z');
    expect(await due('--zone', 'Europe/Copenhagen')).toBe('2026-04-30T22:00:00.000Z');
    expect(await due('--country', 'DE', '--zone', 'Europe/Brussels')).toBe('2026-05-04T10:00:00.000Z');
    expect(await due('--zone', 'Europe/Berlin', '--entity', 'credit-institution')).toBe(
      '2026-04-30T22:00:00.000Z',
    );
  });

  test('a duty without a number has no due time', async () => {
    expect((await answer('gdpr-33-2', '--start', '2026-11-22T12:00:00Z')).phases).toEqual([
      {
        phase: 'notification',
        due: null,
        dueDate: null,
        why: expect.stringContaining('without undue delay'),
      },
    ]);
  });

  test('other starts have a name', async () => {
    const { phases } = await answer('nydfs-500-17', '--event', 'payment=2026-11-22T12:00:00Z');
    expect(phases.map(({ phase, dueDate }) => [phase, dueDate])).toEqual([
      ['extortion-payment', '2026-11-23'],
      ['payment-explanation', '2026-12-22'],
    ]);
  });

  test.each([
    ['--classified', ['--classified', '2026-11-20T12:00:00+05:00']],
    ['--submitted', ['--submitted', '2026-11-23T12:00:00Z']],
    ['--event determination', ['--event', 'determination=2026-11-23T12:00:00Z']],
  ])('passes over %s where the rule does not use it, and says so beside the answer', async (option, more) => {
    for (const words of [['gdpr-33-1', '--start', '2026-11-22T12:00:00+01:00', '--json'], ['gdpr-33-1']]) {
      const without = await run(...words);
      const done = await run(...words, ...more);
      expect(done).toEqual({
        status: 0,
        out: without.out,
        err: expect.stringMatching(new RegExp(`^countersign: gdpr-33-1 does not use ${option}: .*\\n$`)),
      });
    }
  });

  test('names the rules', async () => {
    const { out } = await run('--list');
    for (const id of [
      'gdpr-33-1 gdpr-33-2 nis2-23-4 dora-19 sec-8k-1-05 hipaa-164-410 nydfs-500-17 us-bank-53 cert-in apra-cps-234-35',
      'apra-cps-234-36 sg-pdpa-26d mas-trm cra-14 fedramp-icp-csx-ira gdpr-34 ca-1798-82 fl-501-171 dora-30-3-b visa',
      'mastercard-adc uk-nis-11 hipaa-164-404 ftc-314-4-j tx-521-053 circia in-dpdp-7 au-ndb-26wh',
    ].flatMap((line) => line.split(' ')))
      expect(out).toMatch(new RegExp(`^${id} `, 'm'));
    expect(out).toMatch(/^circia .*not in force/m);
  });

  test('is readable without --json', async () => {
    const { out } = await run('nis2-23-4', '--start', '2026-11-22T12:00:00+01:00');
    expect(out).toMatch(/^early-warning +2026-11-23T11:00:00.000Z +2026-11-23 +awareness/m);
    expect(out).toMatch(/^final +not started +- +waits for submission of notification/m);
  });

  test.each([
    ['no-rule', []],
    ['unknown-rule', ['gdpr-99']],
    ['no-offset', ['gdpr-33-1', '--start', '2026-11-22T12:00:00']],
    ['bad-time', ['gdpr-33-1', '--start', 'yesterday', '--zone', 'UTC']],
    ['bad-time', ['gdpr-33-1', '--start', '2026-11-22', '--zone', 'UTC']],
    ['bad-time', ['gdpr-33-1', '--start', '2026-02-30T12:00:00Z']],
    ['bad-time', ['gdpr-33-1', '--start', '2026-02-30T12:00', '--zone', 'UTC']],
    ['bad-time', ['gdpr-33-1', '--start', '2026-11-22T25:00:00Z']],
    ['skipped-time', ['gdpr-33-1', '--start', '2026-03-29T02:30', '--zone', 'Europe/Berlin']],
    ['double-time', ['gdpr-33-1', '--start', '2026-10-25T02:30', '--zone', 'Europe/Berlin']],
    ['unknown-zone', ['gdpr-33-1', '--start', '2026-11-22T12:00', '--zone', 'Europe/Atlantis']],
    ['unknown-zone', ['gdpr-33-1', '--start', '2026-11-22T12:00', '--zone', '+01:00']],
    ['unknown-entity', ['dora-19', '--start', '2026-11-22T12:00:00Z', '--entity', 'bakery']],
    ['unknown-entity', ['gdpr-33-1', '--start', '2026-11-22T12:00:00Z', '--entity', 'bank']],
    ['unknown-country', ['dora-19', '--start', '2026-11-22T12:00:00Z', '--country', 'ZZ']],
    ['bad-time', ['gdpr-33-1', '--start', '2026-11-22T12:00:00Z', '--classified', 'soon']],
    ['no-offset', ['gdpr-33-1', '--start', '2026-11-22T12:00:00Z', '--submitted', '2026-11-22T12:00:00']],
    ['unknown-phase', ['dora-19', '--submitted', 'finale=2026-11-22T12:00:00Z']],
    ['bad-event', ['dora-19', '--event', 'rumour=2026-11-22T12:00:00Z']],
    [
      'submitted-too-early',
      ['nis2-23-4', '--start', '2026-11-22T12:00:00Z', '--submitted', '2026-11-21T12:00:00Z'],
    ],
  ])('%s is refused: %j', async (code, words) => {
    const plain = await run(...words);
    expect({ status: plain.status, out: plain.out }).toEqual({ status: 2, out: '' });
    expect(plain.err).toMatch(/^countersign: \S.*\.$/m);
    const { status, out, err } = await run(...words, '--json');
    expect({ status, err, ...(JSON.parse(out) as object) }).toMatchObject({
      status: 2,
      err: '',
      code,
      detail: plain.err.replace(/^countersign: /, '').trim(),
    });
  });
});
