import type { FastifyInstance } from 'fastify';
import { Refused } from '../kernel/errors.ts';
import type { RouteConfig } from '../domain/access/route.ts';
import { writtenTexts } from '../domain/credentials/known-values.rules.ts';
import type { KnownValues } from '../domain/credentials/known-values.service.ts';

/**
 * Refuses, on every address and before anything is kept of it, a text in which somebody pasted the value of a credential:
 * of whoever is known here, and of whoever has nothing but a link.
 */
export function refuseKnownValues(fastify: FastifyInstance, known: KnownValues): void {
  fastify.addHook('preHandler', async (request) => {
    const declared = (request.routeOptions.config as RouteConfig).countersign;
    const { body, principal } = request;
    if (!principal && declared?.face !== 'outside') return;
    if (typeof body !== 'object' || body === null || Buffer.isBuffer(body)) return;
    // A report may well spell what leaked where it leaked, and is answered the same whether that is known or not.
    if (declared?.permission === 'exposures:report' && declared.face === 'api') return;
    const texts = writtenTexts(body);
    if (Object.keys(texts).length === 0) return;
    const refused = await known.refusalOf(texts, request.correlationId);
    if (refused) throw new Refused(refused);
  });
}
