import { Controller, HttpCode, Inject, Post, Query, Req } from '@nestjs/common';
import { ApiAcceptedResponse, ApiConsumes, ApiOperation, ApiTags } from '@nestjs/swagger';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { SECOND } from '../kernel/time.ts';
import { By, Permission, Takes } from '../domain/access/route.ts';
import { FileReports, type FileTaken } from '../domain/exposures/file-reports.service.ts';
import type { Config } from '../platform/config/config.ts';
import { CONFIG } from '../platform/config/token.ts';
import { answered } from './answered.ts';
import { refuseOtherEncoding } from './body.ts';
import { readUpTo } from './read-up-to.ts';

/** What no file may exceed; each kind and source has a limit of its own. */
const MOST = 64 * 1024 * 1024;

const query = z.strictObject({
  kind: z.string().max(60).describe('gitleaks, trufflehog, sarif, csv, or gitlab for its artifact'),
  source: z
    .string()
    .max(60)
    .optional()
    .describe('The key of the source in whose name it is filed; its findings are then known again'),
});
const fileTakenSchema = z
  .object({
    event: z.string(),
    reports: z.int(),
    deliveryId: z.string().nullable(),
    acknowledged: z.string().nullable(),
  })
  .meta({ id: 'ExposureFileTaken' });

@ApiTags('exposures')
@Controller('api/v1/exposure-files')
export class ExposureFilesController {
  constructor(
    private readonly files: FileReports,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  @Post()
  @ApiOperation({
    summary: 'Report the findings of a scanner, as it wrote them',
    description:
      'The body is the file itself. The answer is the same whether or not anything matches; matching comes afterwards. The same file again in the name of a source changes nothing.',
  })
  @HttpCode(202)
  @Permission('exposures:report')
  @Takes('stream', { limit: MOST })
  @ApiConsumes('application/octet-stream')
  @ApiAcceptedResponse({ standardSchema: fileTakenSchema })
  async take(
    @Query({ schema: query }) { kind, source }: z.output<typeof query>,
    @Req() request: FastifyRequest,
    @By() by: Principal,
  ): Promise<FileTaken> {
    const tray = answered(await this.files.tray(kind, source, by));
    refuseOtherEncoding(request.headers['content-type']);
    const announced = Number(request.headers['content-length'] ?? 0);
    const body =
      announced > tray.limit
        ? null
        : await readUpTo(
            request.body as AsyncIterable<Buffer> | undefined,
            tray.limit,
            this.config.bodySeconds * SECOND,
          );
    if (body === null)
      throw new Refused(
        refusal('too_large', 'delivery-too-large', `The file is larger than ${tray.limit} bytes.`),
      );
    return answered(await this.files.take(tray, body, by));
  }
}
