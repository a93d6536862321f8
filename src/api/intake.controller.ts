import { Controller, Inject, Param, Post, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiOperation, ApiParam, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Refused, type Refusal } from '../kernel/errors.ts';
import { SECOND } from '../kernel/time.ts';
import { Public, Takes } from '../domain/access/route.ts';
import type { Admitted } from '../domain/exposures/admitted-sources.ts';
import { IntakeService } from '../domain/exposures/intake.service.ts';
import type { Knock } from '../domain/exposures/refused-delivery.rules.ts';
import type { Config } from '../platform/config/config.ts';
import { CONFIG } from '../platform/config/token.ts';
import { refuseOtherEncoding } from './body.ts';
import { readUpTo } from './read-up-to.ts';

const receivedSchema = z.object({ deliveryId: z.string(), event: z.string() }).meta({ id: 'Received' });

/** Each source has a limit of its own, which the service holds; this is what no source may exceed. */
const MOST = 64 * 1024 * 1024;

@ApiTags('intake')
@Controller('api/v1/intake')
export class IntakeController {
  constructor(
    private readonly intake: IntakeService,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * A signed delivery. The body is not read before the source is known to have a key, and then as bytes: the signature is
   * over those.
   */
  @Post(':sourceKey')
  @ApiOperation({
    summary: 'Deliver a signed report of a source',
    description: 'It is proven by the signature over its exact bytes.',
  })
  @Public({ why: 'proven by the signature over its body' })
  @Takes('stream', { limit: MOST })
  @ApiParam({ name: 'sourceKey', description: 'The key of a source' })
  @ApiAcceptedResponse({ standardSchema: receivedSchema })
  async receive(
    @Param('sourceKey') sourceKey: string,
    @Req() request: FastifyRequest,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<unknown> {
    const refuse = (refused: Refusal) => {
      // Whatever of the body is still on its way is not worth waiting for.
      void reply.header('connection', 'close');
      return new Refused(refused);
    };
    const headers = plain(request.headers);
    const source = await this.intake.admit(sourceKey, { headers });
    if (!source.ok) throw refuse(source.error);
    const limit = source.value.bodyLimit;
    const announced = Number(request.headers['content-length'] ?? 0);
    const body =
      announced > limit
        ? null
        : await this.#read(source.value, request, headers, limit).catch((thrown: unknown) => {
            throw thrown instanceof Refused ? refuse(thrown.refusal) : thrown;
          });
    if (body === null) throw refuse(await this.intake.tooLarge(source.value, { headers }));
    const { result, answer } = await this.intake.receive(source.value, { headers, body }, request.ip);
    if (answer) {
      // As the protocol of the source has it; an empty body is no JSON.
      void reply.status(answer.status).headers({ ...answer.headers });
      if (answer.body === undefined) return undefined;
      void reply.type('application/json; charset=utf-8');
      return answer.body;
    }
    if (!result.ok) throw new Refused(result.error);
    void reply.status(202);
    return result.value;
  }

  async #read(
    source: Admitted,
    request: FastifyRequest,
    headers: Knock['headers'],
    limit: number,
  ): Promise<Buffer | null> {
    try {
      refuseOtherEncoding(headers['content-type']);
      const within = this.config.bodySeconds * SECOND;
      return await readUpTo(request.body as AsyncIterable<Buffer> | undefined, limit, within);
    } catch (thrown) {
      if (thrown instanceof Refused) await this.intake.unreadable(source, thrown.refusal, { headers });
      throw thrown;
    }
  }
}

/** A header that comes several times is what an attacker makes of one; the first is taken by no one. */
function plain(headers: FastifyRequest['headers']): Record<string, string | undefined> {
  return Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [name, Array.isArray(value) ? undefined : value]),
  );
}
