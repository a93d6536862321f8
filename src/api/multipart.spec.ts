import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { Refused } from '../kernel/errors.ts';
import { multipart } from './multipart.ts';

const TYPE = 'multipart/form-data; boundary=----b1';

async function encoded(fields: Record<string, string | Uint8Array>): Promise<[Buffer, string]> {
  const form = new FormData();
  for (const [name, value] of Object.entries(fields))
    form.set(name, typeof value === 'string' ? value : new File([Buffer.from(value)], 'a "file".json'));
  const request = new Request('http://x.example', { method: 'POST', body: form });
  return [Buffer.from(await request.arrayBuffer()), request.headers.get('content-type')!];
}

test('what a browser encodes is read back, byte for byte', async () => {
  const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9_-]{0,20}$/);
  // Line ends of text are sent as CRLF (HTML, "constructing the entry list").
  const value = fc.string({ unit: 'grapheme' }).filter((one) => !/[\r\n\0]/.test(one) && one.isWellFormed());
  await fc.assert(
    fc.asyncProperty(
      fc.dictionary(name, fc.oneof(value, fc.uint8Array()), { minKeys: 1 }),
      async (fields) => {
        const [body, type] = await encoded(fields);
        const read = multipart(body, type);
        expect(Object.keys(read).toSorted()).toEqual(Object.keys(fields).toSorted());
        for (const [key, given] of Object.entries(fields))
          expect(read[key]).toEqual(typeof given === 'string' ? given : Buffer.from(given));
      },
    ),
    { numRuns: 50 },
  );
});

test.each([
  ['', TYPE],
  ['------b1--', TYPE],
  ['x', undefined],
  ['x', 'multipart/form-data'],
  ['x', 'application/json'],
  ['------b1\r\nContent-Disposition: form-data; name="a"\r\n\r\nx', TYPE],
  ['------b1\r\nContent-Disposition: form-data\r\n\r\nx\r\n------b1--', TYPE],
  ['------b1\r\nContent-Disposition: attachment; name="a"\r\n\r\nx\r\n------b1--', TYPE],
  ['------b1\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\u0000\r\n------b1--', TYPE],
  ['------b1\r\nContent-Disposition: form-data; name="__proto__"\r\n\r\nx\r\n------b1\r\n', TYPE],
  [`------b1${'\r\nContent-Disposition: form-data; name="a"\r\n\r\nx\r\n------b1'.repeat(2)}--`, TYPE],
  [
    `------b1${Array.from({ length: 60 }, (_, n) => `\r\nContent-Disposition: form-data; name="a${n}"\r\n\r\nx\r\n------b1`).join('')}--`,
    TYPE,
  ],
])('%j is refused', (body, type) => {
  const read = () => multipart(Buffer.from(body), type);
  if (body === '------b1--') expect(read()).toEqual({});
  else expect(read).toThrow(Refused);
});

test('whatever bytes come, it answers or refuses', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
      try {
        multipart(Buffer.concat([Buffer.from('------b1\r\n'), bytes]), TYPE);
      } catch (thrown) {
        expect(thrown).toBeInstanceOf(Refused);
      }
    }),
  );
});
