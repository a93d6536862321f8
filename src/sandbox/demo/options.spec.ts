import { expect, test } from '@jest/globals';
import { Misused, parseOptions } from './options.ts';

test('without any: serves on the usual port', () => {
  expect(parseOptions([])).toEqual({ exit: false, json: false, port: null });
});

test('each is taken', () => {
  expect(parseOptions(['--exit', '--json', '--port', '0'])).toEqual({ exit: true, json: true, port: 0 });
  expect(parseOptions(['--port=65535'])).toMatchObject({ port: 65_535 });
  expect(parseOptions(['--help'])).toBe('help');
});

test.each([
  [['--port', 'x']],
  [['--port', '65536']],
  [['--port', '1.5']],
  [['--port=-1']],
  [['--loud']],
  [['more']],
])('%j is refused, and told what to do', (args) => {
  expect(() => parseOptions(args)).toThrow(Misused);
  expect(() => parseOptions(args)).toThrow(/--port/);
});
