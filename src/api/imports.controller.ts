import type { Readable } from 'node:stream';
import { Controller, Get, HttpCode, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiAcceptedResponse, ApiConsumes, ApiOkResponse, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Permission, Takes } from '../domain/access/route.ts';
import {
  FILE_LIMITS,
  importQuerySchema,
  importViewSchema,
  MEDIA_TYPES,
  problemViewSchema,
  type Format,
  type ImportView,
  type ProblemView,
} from '../domain/portfolio/import.schema.ts';
import { ImportsService } from '../domain/portfolio/imports.service.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const listQuery = z.strictObject({
  before: z.uuid().optional(),
  limit: z.coerce.number().int().min(1).max(200).default(50),
});
const problemsQuery = z.strictObject({
  after: z.coerce.number().int().min(0).default(0),
  limit: z.coerce.number().int().min(1).max(1000).default(200),
});
const importsSchema = z
  .object({ imports: z.array(importViewSchema), next: z.uuid().nullable() })
  .meta({ id: 'Imports' });
const problemsSchema = z
  .object({ problems: z.array(problemViewSchema), next: z.int().nullable() })
  .meta({ id: 'ImportProblems' });

@ApiTags('portfolio')
@Controller('api/v1/imports')
export class ImportsController {
  constructor(private readonly imports: ImportsService) {}

  @Post()
  @ApiOperation({
    summary: 'Send a portfolio file to import',
    description:
      'The body is the file itself. Answered as soon as it is kept; the resource says how it goes on. The same file again changes nothing, so a lost answer is mended by sending it anew.',
  })
  @HttpCode(202)
  @Permission('portfolio:import')
  @Takes('stream', { limit: Math.max(...Object.values(FILE_LIMITS)) })
  @ApiConsumes(...Object.keys(MEDIA_TYPES))
  @ApiAcceptedResponse({ standardSchema: importViewSchema })
  async create(
    @Query({ schema: importQuerySchema }) query: z.output<typeof importQuerySchema>,
    @Req() request: FastifyRequest,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<ImportView> {
    const format = query.format ?? formatOf(request.headers['content-type']);
    const limit = FILE_LIMITS[format];
    if (Number(request.headers['content-length'] ?? 0) > limit) {
      throw new Refused(
        refusal(
          'too_large',
          'import-too-large',
          `A ${format} file may have ${limit} bytes. Send it as JSON Lines or CSV, or in parts.`,
        ),
      );
    }
    const { source, kind = null, dryRun, partial, name: fileName } = query;
    const body = request.body as Readable | undefined;
    if (!body)
      throw new Refused(
        refusal('invalid', 'import-empty', 'The body is empty: send the file itself as the body.'),
      );
    const accepted = answered(
      await this.imports.accept({ source, format, kind, fileName, dryRun, partial }, body, by),
    );
    void reply.header('location', `/api/v1/imports/${accepted.id}`);
    return accepted;
  }

  @Get()
  @ApiOperation({ summary: 'List imports, newest first' })
  @Permission('portfolio:import')
  @ApiOkResponse({ standardSchema: importsSchema })
  async list(
    @Query({ schema: listQuery }) query: z.output<typeof listQuery>,
    @By() by: Principal,
  ): Promise<z.infer<typeof importsSchema>> {
    const imports = await this.imports.list(query.before ?? null, query.limit, by);
    return { imports, next: imports.length === query.limit ? (imports.at(-1)?.id ?? null) : null };
  }

  @Get(':id')
  @ApiOperation({ summary: 'Read how far an import is' })
  @Permission('portfolio:import')
  @ApiOkResponse({ standardSchema: importViewSchema })
  async get(@Param('id', { schema: id }) importId: string, @By() by: Principal): Promise<ImportView> {
    const found = await this.imports.get(importId, by);
    if (!found) throw new Refused(notFound());
    return found;
  }

  @Get(':id/problems')
  @ApiOperation({ summary: 'List what an import refused, with the line and how to mend it' })
  @Permission('portfolio:import')
  @ApiOkResponse({ standardSchema: problemsSchema })
  async problems(
    @Param('id', { schema: id }) importId: string,
    @Query({ schema: problemsQuery }) query: z.output<typeof problemsQuery>,
    @By() by: Principal,
  ): Promise<{ problems: ProblemView[]; next: number | null }> {
    const problems = await this.imports.problems(importId, query.after, query.limit, by);
    if (!problems) throw new Refused(notFound());
    return { problems, next: problems.length === query.limit ? (problems.at(-1)?.ordinal ?? null) : null };
  }
}

function notFound() {
  return refusal('not_found', 'no-import', 'There is no such import.');
}

function formatOf(header: string | undefined): Format {
  const type = header?.split(';')[0]?.trim().toLowerCase() ?? '';
  const format = Object.hasOwn(MEDIA_TYPES, type) ? MEDIA_TYPES[type] : undefined;
  if (format) return format;
  const mend = `Send one of ${Object.keys(MEDIA_TYPES).join(', ')}, or name the format in the query.`;
  throw new Refused(
    refusal('invalid', 'unsupported-media-type', 'The content type does not tell the format of the file.', {
      fields: [{ field: 'content-type', problem: 'is none of the formats of a portfolio', mend }],
    }),
  );
}
