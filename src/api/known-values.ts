import type { FastifyInstance } from 'fastify';
import { Refused } from '../kernel/errors.ts';
import type { KnownValues } from '../domain/credentials/known-values.service.ts';

/** What people write in their own words, or copy from elsewhere, and is kept and shown as it came. */
const WRITTEN = [
  'reason',
  'note',
  'text',
  'signsFor',
  'why',
  'comment',
  'purpose',
  'justification',
  'description',
  'name',
  'title',
  'path',
  'putBy',
  'supplierId',
] as const;

/** Refuses, on every address and before anything is kept of it, a text in which somebody pasted the value of a credential. */
export function refuseKnownValues(fastify: FastifyInstance, known: KnownValues): void {
  fastify.addHook('preHandler', async (request) => {
    const { body, principal } = request;
    if (!principal || typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return;
    const sent = body as Record<string, unknown>;
    const texts = Object.fromEntries(
      WRITTEN.flatMap((name) => {
        const text = sent[name];
        return typeof text === 'string' && text !== '' ? [[`/${name}`, text] as const] : [];
      }),
    );
    if (Object.keys(texts).length === 0) return;
    const refused = await known.refusalOf(texts, request.correlationId);
    if (refused) throw new Refused(refused);
  });
}
