import { describe, expect, test } from '@jest/globals';
import { Writable } from 'node:stream';
import { NestLog, createLog, withCorrelation } from './log.ts';

function logTo(): {
  log: ReturnType<typeof createLog>;
  lines: () => Record<string, unknown>[];
  text: () => string;
} {
  let text = '';
  const to = new Writable({
    write(chunk: Buffer, _encoding, done) {
      text += chunk.toString('utf8');
      done();
    },
  });
  return {
    log: createLog({ logLevel: 'debug' }, to),
    text: () => text,
    lines: () =>
      text
        .split('\n')
        .filter(Boolean)
        .map((line) => JSON.parse(line) as Record<string, unknown>),
  };
}

describe('a log line', () => {
  test('carries the correlation id of the work in hand, and nothing of the line before', () => {
    const { log, lines } = logTo();
    withCorrelation('work-1', () => {
      log.info({ first: 1 }, 'one');
      log.info({ second: 2 }, 'two');
    });
    log.info({}, 'outside');
    expect(lines()).toMatchObject([
      { correlationId: 'work-1', first: 1 },
      { correlationId: 'work-1', second: 2 },
      { msg: 'outside' },
    ]);
    expect(lines()[1]).not.toHaveProperty('first');
    expect(lines()[2]).not.toHaveProperty('correlationId');
  });

  test.each([
    [{ authorization: 'planted' }],
    [
      {
        headers: {
          authorization: 'planted',
          cookie: 'planted',
          'set-cookie': ['planted'],
          'x-csrf-token': 'planted',
        },
      },
    ],
    [{ body: { password: 'planted', deep: { token: 'planted', secret: 'planted' } } }],
    [{ req: { method: 'GET', url: '/ack?link=planted', headers: { authorization: 'planted' } } }],
  ])('shows nothing that must not be seen: %j', (facts) => {
    const { log, text } = logTo();
    log.info(facts, 'a line');
    expect(text()).toContain('a line');
    expect(text()).not.toContain('planted');
  });

  test('is not forged by an error: no control character of it reaches a terminal or another line', () => {
    const { log, text, lines } = logTo();
    const evil = new Error('bad\r\n{"level":30,"msg":"forged"}\u001b[2J\u0000');
    log.error({ err: evil }, 'failed');
    new NestLog(log).error(`also\u001b[31m evil`);
    new NestLog(log).error(evil, 'Context');
    expect(lines()).toHaveLength(3);
    expect(JSON.stringify(lines().map((line) => line['err']))).not.toMatch(/\\u00[01]|\\r|\\n/);
    expect(text()).not.toContain('\u001b');
  });
});
