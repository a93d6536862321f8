import {
  Body,
  Controller,
  Delete,
  Get,
  Header,
  HttpCode,
  Param,
  Patch,
  Post,
  Put,
  Query,
  Res,
} from '@nestjs/common';
import {
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission, Public } from '../domain/access/route.ts';
import { SetSigner } from '../domain/signals/set-signer.service.ts';
import {
  newStreamSchema,
  polledSchema,
  pollSchema,
  statusChangeSchema,
  streamChangeSchema,
  streamSchema,
  streamStatusSchema,
  subjectChangeSchema,
  verificationSchema,
  type Polled,
  type StreamStatus,
  type StreamView,
} from '../domain/signals/stream.schema.ts';
import { StreamPolls } from '../domain/signals/stream-polls.service.ts';
import { StreamsService } from '../domain/signals/streams.service.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const maybeOne = z.strictObject({ stream_id: id.optional() });
const one = z.strictObject({ stream_id: id });
const jwksSchema = z.object({ keys: z.array(z.record(z.string(), z.unknown())) }).meta({ id: 'JwkSet' });
const rotatedSchema = z.object({ kid: id }).meta({ id: 'SignalKeyRotated' });

/**
 * The Shared Signals Framework, as transmitter: streams of Security Event Tokens that their receiver configures with an
 * API token of its party. Found by `/.well-known/ssf-configuration`.
 */
@ApiTags('signals')
@Controller('api/v1/ssf')
export class SharedSignalsController {
  constructor(
    private readonly streams: StreamsService,
    private readonly polls: StreamPolls,
    private readonly signer: SetSigner,
  ) {}

  @Get('jwks')
  @ApiOperation({ summary: 'Read the keys that Security Event Tokens are verified with' })
  @Public({ why: 'public keys, and whoever holds a token must be able to verify it' })
  @Header('cache-control', 'public, max-age=300')
  @ApiOkResponse({ standardSchema: jwksSchema })
  async jwks(): Promise<z.infer<typeof jwksSchema>> {
    return (await this.signer.published()) as z.infer<typeof jwksSchema>;
  }

  @Post('keys')
  @ApiOperation({
    summary: 'Rotate the key that signs Security Event Tokens',
    description: 'The one before stays published until nothing that it signed can be on its way.',
  })
  @Permission('connections:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: rotatedSchema })
  rotate(@By() by: Principal): Promise<z.infer<typeof rotatedSchema>> {
    if (by.partyId !== null)
      throw new Refused(refusal('forbidden', 'operator-only', 'The key is the operator’s.'));
    return this.signer.rotate(by);
  }

  @Post('streams')
  @ApiOperation({
    summary: 'Create a stream of Security Event Tokens',
    description: 'Without `delivery` it is polled. It speaks to the party of the token.',
  })
  @Permission('signals:write')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: streamSchema })
  async create(
    @Body({ schema: newStreamSchema }) input: z.output<typeof newStreamSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<StreamView> {
    const made = answered(await this.streams.create(input, by));
    void reply.header('location', `/api/v1/ssf/streams?stream_id=${made.stream_id}`);
    return made;
  }

  @Get('streams')
  @ApiOperation({ summary: 'Read one stream, or list all of the party' })
  @Permission('signals:read')
  @ApiOkResponse({ standardSchema: z.union([streamSchema, z.array(streamSchema)]) })
  async read(
    @Query({ schema: maybeOne }) query: z.output<typeof maybeOne>,
    @By() by: Principal,
  ): Promise<StreamView | StreamView[]> {
    return query.stream_id === undefined
      ? this.streams.list(by)
      : answered(await this.streams.read(by, query.stream_id));
  }

  @Patch('streams')
  @ApiOperation({ summary: 'Change what is named of a stream' })
  @Permission('signals:write')
  @ApiOkResponse({ standardSchema: streamSchema })
  async change(
    @Body({ schema: streamChangeSchema }) input: z.output<typeof streamChangeSchema>,
    @By() by: Principal,
  ): Promise<StreamView> {
    return answered(await this.streams.change(input, false, by));
  }

  @Put('streams')
  @ApiOperation({ summary: 'Replace the configuration of a stream' })
  @Permission('signals:write')
  @ApiOkResponse({ standardSchema: streamSchema })
  async replace(
    @Body({ schema: streamChangeSchema }) input: z.output<typeof streamChangeSchema>,
    @By() by: Principal,
  ): Promise<StreamView> {
    return answered(await this.streams.change(input, true, by));
  }

  @Delete('streams')
  @ApiOperation({ summary: 'End a stream' })
  @HttpCode(204)
  @Permission('signals:write')
  @ApiNoContentResponse({ description: 'Ended' })
  async remove(@Query({ schema: one }) query: z.output<typeof one>, @By() by: Principal): Promise<void> {
    answered(await this.streams.remove(query.stream_id, by));
  }

  @Get('status')
  @ApiOperation({ summary: 'Read whether a stream is enabled' })
  @Permission('signals:read')
  @ApiOkResponse({ standardSchema: streamStatusSchema })
  async status(
    @Query({ schema: one }) query: z.output<typeof one>,
    @By() by: Principal,
  ): Promise<StreamStatus> {
    return answered(await this.streams.status(query.stream_id, by));
  }

  @Post('status')
  @ApiOperation({
    summary: 'Enable, pause or disable a stream',
    description: 'While it is paused tokens wait, for four days at most; while it is disabled none are made.',
  })
  @HttpCode(200)
  @Permission('signals:write')
  @ApiOkResponse({ standardSchema: streamStatusSchema })
  async setStatus(
    @Body({ schema: statusChangeSchema }) input: z.output<typeof statusChangeSchema>,
    @By() by: Principal,
  ): Promise<StreamStatus> {
    return answered(await this.streams.setStatus(input.stream_id, input, by));
  }

  @Post('subjects/add')
  @ApiOperation({ summary: 'Hear of a subject again that was removed from a stream' })
  @HttpCode(200)
  @Permission('signals:write')
  @ApiOkResponse({ description: 'Added; the body is empty' })
  async addSubject(
    @Body({ schema: subjectChangeSchema }) input: z.output<typeof subjectChangeSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.streams.setSubject(input.stream_id, input.subject, 'added', by));
  }

  @Post('subjects/remove')
  @ApiOperation({ summary: 'Hear nothing of a subject any more on a stream' })
  @HttpCode(204)
  @Permission('signals:write')
  @ApiNoContentResponse({ description: 'Removed' })
  async removeSubject(
    @Body({ schema: subjectChangeSchema }) input: z.output<typeof subjectChangeSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.streams.setSubject(input.stream_id, input.subject, 'removed', by));
  }

  @Post('verification')
  @ApiOperation({ summary: 'Ask for a verification event on a stream' })
  @HttpCode(204)
  @Permission('signals:write')
  @ApiNoContentResponse({ description: 'It is on its way' })
  async verify(
    @Body({ schema: verificationSchema }) input: z.output<typeof verificationSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.streams.verify(input.stream_id, input.state, by));
  }

  @Post('poll/:id')
  @ApiOperation({
    summary: 'Take Security Event Tokens from a polled stream (RFC 8936)',
    description: 'What is neither acknowledged nor refused comes again.',
  })
  @HttpCode(200)
  @Header('cache-control', 'no-store')
  @Permission('signals:write')
  @ApiOkResponse({ standardSchema: polledSchema })
  async poll(
    @Param('id', { schema: id }) streamId: string,
    @Body({ schema: pollSchema }) input: z.output<typeof pollSchema>,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Polled> {
    const gone = new AbortController();
    reply.raw.once('close', () => gone.abort());
    return answered(await this.polls.poll(streamId, input, by, gone.signal));
  }
}
