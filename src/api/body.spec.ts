import { expect, test } from '@jest/globals';
import { connect, type AddressInfo } from 'node:net';
import { fastify as newFastify } from 'fastify';
import { MINUTE } from '../kernel/time.ts';
import { readBodiesAsDeclared } from './body.ts';

test('whoever goes away in the middle of a body is refused, and it is no fault of ours', async () => {
  const fastify = newFastify();
  readBodiesAsDeclared(fastify, MINUTE);
  try {
    const reading = new Promise<void>((resolve) => fastify.addHook('preParsing', async () => resolve()));
    const thrown = new Promise<unknown>((resolve) =>
      fastify.setErrorHandler((error, _request, reply) => {
        resolve(error);
        void reply.code(400).send();
      }),
    );
    fastify.post('/x', () => 'taken');
    await fastify.listen({ host: '127.0.0.1', port: 0 });
    const socket = connect((fastify.server.address() as AddressInfo).port, '127.0.0.1');
    socket.write(
      'POST /x HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{"name":',
    );
    await reading;
    socket.destroy();
    expect(await thrown).toMatchObject({ refusal: { kind: 'invalid', code: 'body-broken-off' } });
  } finally {
    await fastify.close();
  }
});

test.each([
  ['application/json; charset=utf-16', false],
  ['application/json;charset="UTF-16LE"', false],
  ['application/json; charset = iso-8859-1', false],
  ["application/json; charset*=utf-8''utf-16", false],
  ['application/json; charset=utf-8; charset=utf-16', false],
  ['text/plain', false],
  ['application/json; charset=UTF-8', true],
  ['application/json; charset="utf8"', true],
  ['application/problem+json', true],
  ['application/json; profile="x"', true],
])('of JSON in %s: taken %s', async (contentType, taken) => {
  const fastify = newFastify();
  readBodiesAsDeclared(fastify, MINUTE);
  fastify.setErrorHandler((error, _request, reply) =>
    reply.code(415).send((error as { refusal?: { code: string } }).refusal?.code),
  );
  fastify.post('/x', () => 'taken');
  const answer = await fastify.inject({
    method: 'POST',
    url: '/x',
    headers: { 'content-type': contentType },
    payload: '{"a":1}',
  });
  expect(answer.body).toBe(taken ? 'taken' : 'unsupported-media-type');
  await fastify.close();
});
