import { Body, Controller, Get, HttpCode, Param, Post, Put, Query, Res } from '@nestjs/common';
import {
  ApiAcceptedResponse,
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
import type { WantedVersion } from '../kernel/row-version.ts';
import { ELAPSED_DAY, iso } from '../kernel/time.ts';
import { By, Idempotent, Permission } from '../domain/access/route.ts';
import { dueBefore } from '../domain/rotation/due.queries.ts';
import { RotationIntervals } from '../domain/rotation/intervals.ts';
import { Recipes } from '../domain/rotation/recipes.ts';
import {
  enterVersionSchema,
  lostAnswerSchema,
  placeAnswerSchema,
  recipeSchema,
  rotationActSchema,
  rotationLineSchema,
  rotationSchema,
  rotationSettingSchema,
  rotationSettingViewSchema,
  startRotationSchema,
  worksSchema,
  type EnterVersion,
  type PlaceAnswer,
  type RotationSettingInput,
  type RotationView,
  type StartRotation,
} from '../domain/rotation/rotation.schema.ts';
import { RotationSettingsService } from '../domain/rotation/rotation-settings.service.ts';
import { findRotation, listRotations } from '../domain/rotation/rotations.queries.ts';
import { RotationsService } from '../domain/rotation/rotations.service.ts';
import { RotationWords } from '../domain/rotation/rotation-words.service.ts';
import { simulationSchema, type SimulationView } from '../domain/rotation/simulation.schema.ts';
import { Simulation } from '../domain/rotation/simulation.service.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';
import { cursorSchema, cursorText, pageLimit } from './cursor.ts';
import { IfMatchAny, versioned } from './etag.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  credentialId: id.optional(),
  integrationId: id.optional(),
  open: z
    .enum(['true', 'false'])
    .transform((text) => text === 'true')
    .optional()
    .describe('Only those under way, or only those that have ended'),
  cursor: cursorSchema.optional(),
  limit: pageLimit,
});
const rotationsSchema = z
  .object({ rotations: z.array(rotationLineSchema), next: z.string().nullable() })
  .meta({ id: 'Rotations' });
const startedSchema = z
  .object({ id: z.uuid(), reference: z.string(), runId: z.uuid() })
  .meta({ id: 'StartedRotation' });
const rollingBackSchema = z.object({ runId: z.uuid() }).meta({ id: 'RotationRollingBack' });
const enteredSchema = z.object({ versionId: z.uuid() }).meta({ id: 'EnteredVersion' });
const recipesSchema = z.object({ recipes: z.array(recipeSchema) }).meta({ id: 'RotationRecipes' });
const dueQuery = z.strictObject({
  days: z.coerce.number().int().min(0).max(365).default(30).describe('How far ahead'),
  limit: pageLimit,
});
const dueSchema = z
  .object({
    due: z.array(
      z.object({
        credential: z.object({ id: z.uuid(), reference: z.string(), name: z.string() }),
        integration: z.object({ id: z.uuid(), name: z.string() }),
        at: z.iso.datetime(),
        because: z.enum(['schedule', 'policy', 'expiry']),
        why: z.string(),
        automatic: z.boolean().describe('It will be opened by itself'),
      }),
    ),
  })
  .meta({ id: 'RotationsDue' });

type Act = z.output<typeof rotationActSchema>;

@ApiTags('rotations')
@Controller('api/v1')
export class RotationsController {
  constructor(
    private readonly transactions: Transactions,
    private readonly rotations: RotationsService,
    private readonly words: RotationWords,
    private readonly settings: RotationSettingsService,
    private readonly recipes: Recipes,
    private readonly simulation: Simulation,
    private readonly intervals: RotationIntervals,
    private readonly clock: Clock,
  ) {}

  /** Opens a rotation and starts its runbook. Watch the rotation. */
  @Post('credentials/:id/rotations')
  @ApiOperation({ summary: 'Start a rotation' })
  @Permission('rotations:operate')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: startedSchema })
  async start(
    @Param('id', { schema: id }) credentialId: string,
    @Body({ schema: startRotationSchema }) input: StartRotation,
    @By() by: Principal,
  ): Promise<z.infer<typeof startedSchema>> {
    return answered(await this.rotations.start(credentialId, input, by));
  }

  /** Reads, and changes nothing, here or at the supplier. */
  @Get('credentials/:id/rotation-simulation')
  @ApiOperation({ summary: 'Say what a rotation would break' })
  @Permission('rotations:read')
  @ApiOkResponse({ standardSchema: simulationSchema })
  async simulate(
    @Param('id', { schema: id }) credentialId: string,
    @By() by: Principal,
  ): Promise<SimulationView> {
    const found = await this.transactions.run(by, (db) => this.simulation.of(db, credentialId));
    if (!found)
      throw new Refused(refusal('not_found', 'no-credential', 'There is no such credential in use.'));
    return found;
  }

  @Get('rotations')
  @ApiOperation({ summary: 'List rotations, newest first' })
  @Permission('rotations:read')
  @ApiOkResponse({ standardSchema: rotationsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof rotationsSchema>> {
    const { cursor, limit, credentialId, integrationId, open } = query;
    const rotations = await this.transactions.run(by, (db) =>
      listRotations(db, {
        limit,
        ...(credentialId === undefined ? {} : { credentialId }),
        ...(integrationId === undefined ? {} : { integrationId }),
        ...(open === undefined ? {} : { open }),
        ...(cursor === undefined ? {} : { after: cursor }),
      }),
    );
    const last = rotations.at(-1);
    const more = last !== undefined && rotations.length === limit;
    return { rotations, next: more ? cursorText({ at: Date.parse(last.openedAt), id: last.id }) : null };
  }

  @Get('rotations/due')
  @ApiOperation({ summary: 'List what has to be rotated, the earliest first' })
  @Permission('rotations:read')
  @ApiOkResponse({ standardSchema: dueSchema })
  async due(
    @Query({ schema: dueQuery }) { days, limit }: z.output<typeof dueQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof dueSchema>> {
    const before = this.clock.now() + days * ELAPSED_DAY;
    const due = await this.transactions.run(by, (db) => dueBefore(db, this.intervals, before, limit));
    return {
      due: due.map((one) => ({
        credential: { id: one.credentialId, reference: one.reference, name: one.name },
        integration: { id: one.integrationId, name: one.integrationName },
        at: iso(one.at),
        because: one.because,
        why: one.why,
        automatic: one.automatic,
      })),
    };
  }

  @Get('rotation-recipes')
  @ApiOperation({ summary: 'List the recipes by which credentials are rotated' })
  @Permission('rotations:read')
  @ApiOkResponse({ standardSchema: recipesSchema })
  listRecipes(): z.infer<typeof recipesSchema> {
    return { recipes: this.recipes.all().map((recipe) => ({ ...recipe, kinds: [...recipe.kinds] })) };
  }

  @Get('rotations/:id')
  @ApiOperation({ summary: 'Read a rotation, with its versions, places and requests' })
  @Permission('rotations:read')
  @ApiOkResponse({ standardSchema: rotationSchema })
  async get(@Param('id', { schema: id }) rotationId: string, @By() by: Principal): Promise<RotationView> {
    const found = await this.transactions.run(by, (db) => findRotation(db, { id: rotationId }));
    if (!found) throw new Refused(refusal('not_found', 'no-rotation', 'There is no such rotation.'));
    return found;
  }

  @Post('rotations/:id/cut-early')
  @ApiOperation({ summary: 'End the overlap now' })
  @Permission('rotations:operate')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'The old version is revoked next' })
  async cutEarly(
    @Param('id', { schema: id }) rotationId: string,
    @Body({ schema: rotationActSchema }) { reason }: Act,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.rotations.cutEarly(rotationId, { reason, by }));
  }

  @Post('rotations/:id/roll-back')
  @ApiOperation({ summary: 'Go back to the old version' })
  @Permission('rotations:operate')
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: rollingBackSchema })
  async rollBack(
    @Param('id', { schema: id }) rotationId: string,
    @Body({ schema: rotationActSchema }) { reason }: Act,
    @By() by: Principal,
  ): Promise<z.infer<typeof rollingBackSchema>> {
    return answered(await this.rotations.rollBack(rotationId, { reason, by }));
  }

  @Post('rotations/:id/stop')
  @ApiOperation({
    summary: 'Stop a rotation where it is',
    description: 'What lives, lives on; an alert says what that is.',
  })
  @Permission('rotations:operate')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Stopped' })
  async stop(
    @Param('id', { schema: id }) rotationId: string,
    @Body({ schema: rotationActSchema }) { reason }: Act,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.rotations.stop(rotationId, { reason, by }));
  }

  /** The same version again, with another value, corrects it: as long as nothing holds it and nobody has seen it accepted. */
  @Post('rotations/:id/version')
  @ApiOperation({ summary: 'Enter the new version that a person made' })
  @Permission('rotations:operate')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: enteredSchema })
  async enter(
    @Param('id', { schema: id }) rotationId: string,
    @Body({ schema: enterVersionSchema }) input: EnterVersion,
    @By() by: Principal,
  ): Promise<z.infer<typeof enteredSchema>> {
    return answered(await this.words.enterVersion(rotationId, input, by));
  }

  @Post('rotations/:id/lost-answer')
  @ApiOperation({ summary: 'Say whether a request whose answer was lost made a version' })
  @Permission('rotations:operate')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Noted' })
  async settleLost(
    @Param('id', { schema: id }) rotationId: string,
    @Body({ schema: lostAnswerSchema }) said: z.output<typeof lostAnswerSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.words.settleLost(rotationId, said, by));
  }

  @Post('rotations/:id/works')
  @ApiOperation({ summary: 'State that the new version works, where no machine can look' })
  @Permission('rotations:operate')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Noted' })
  async works(
    @Param('id', { schema: id }) rotationId: string,
    @Body({ schema: worksSchema }) said: z.output<typeof worksSchema>,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.words.confirmWorks(rotationId, said, by));
  }

  @Put('rotations/:id/places/:location')
  @ApiOperation({ summary: 'Say which version a place holds' })
  @Permission('rotations:operate')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Noted' })
  async place(
    @Param('id', { schema: id }) rotationId: string,
    @Param('location', { schema: id }) locationId: string,
    @Body({ schema: placeAnswerSchema }) said: PlaceAnswer,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.words.answerPlace(rotationId, locationId, said, by));
  }

  @Get('integrations/:id/rotation-setting')
  @ApiOperation({ summary: 'Read when and how an integration is rotated' })
  @Permission('rotations:read')
  @ApiOkResponse({ standardSchema: rotationSettingViewSchema })
  async setting(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof rotationSettingViewSchema>> {
    const found = await this.transactions.run(by, (db) => this.settings.find(db, integrationId));
    return versioned(reply, answered(found));
  }

  @Put('integrations/:id/rotation-setting')
  @ApiOperation({ summary: 'Set when and how an integration is rotated' })
  @Permission('rotations:operate')
  @ApiOkResponse({ standardSchema: rotationSettingViewSchema })
  async set(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: rotationSettingSchema }) input: RotationSettingInput,
    @IfMatchAny() wanted: WantedVersion,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<z.infer<typeof rotationSettingViewSchema>> {
    const done = await this.transactions.run(by, (db) =>
      this.settings.put(db, integrationId, input, wanted, by),
    );
    return versioned(reply, answered(done));
  }
}
