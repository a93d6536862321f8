import { describe, expect, test } from '@jest/globals';
import { TxtRecords, whyNotPublic, type ResolveTxt } from './txt-records.ts';

const failing =
  (code: string): ResolveTxt =>
  () =>
    Promise.reject(Object.assign(new Error('dns'), { code }));

describe('TXT records', () => {
  test('the strings of a record are one text', async () => {
    const records = new TxtRecords(() => Promise.resolve([['countersign=', 'abc'], ['other']]));
    expect(await records.of('_countersign.paylane.example')).toEqual({
      found: 'records',
      records: ['countersign=abc', 'other'],
    });
  });

  test.each(['ENOTFOUND', 'ENODATA'])('%s: there is none', async (code) => {
    expect(await new TxtRecords(failing(code)).of('paylane.example')).toEqual({ found: 'none' });
  });

  test('a server that does not answer is no proof that there is none', async () => {
    expect(await new TxtRecords(failing('ESERVFAIL')).of('paylane.example')).toEqual({
      found: 'nothing_heard',
      why: 'ESERVFAIL',
    });
  });

  test('however many and long they are, what is kept is not', async () => {
    const many: ResolveTxt = () => Promise.resolve(Array.from({ length: 500 }, () => ['x'.repeat(9000)]));
    const answer = await new TxtRecords(many).of('paylane.example');
    expect(answer.found === 'records' && answer.records).toHaveLength(50);
    expect(answer.found === 'records' && answer.records[0]).toHaveLength(1000);
  });

  test.each([
    'localhost',
    'db.internal',
    '10.0.0.1',
    '::1',
    'a..example',
    'printer.local',
    '1.2',
    '-a.example',
    'paylane',
  ])('%s is not asked about', async (name) => {
    let asked = 0;
    const records = new TxtRecords(() => Promise.resolve([[String(++asked)]]));
    expect((await records.of(name)).found).toBe('refused');
    expect(asked).toBe(0);
  });

  test('a name of the public tree may be', () => {
    expect(whyNotPublic('_countersign.xn--bcher-kva.example')).toBeNull();
  });
});
