import { Controller, Get, Header } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../domain/access/route.ts';
import { reportJsonSchema } from '../domain/exposures/report.schema.ts';
import { portfolioJsonSchema } from '../domain/portfolio/portfolio.schema.ts';

/** Published formats. Whoever writes a file needs them before they have a token. */
@ApiExcludeController()
@Controller('api/schemas')
export class SchemasController {
  readonly #portfolio = portfolioJsonSchema();
  readonly #report = reportJsonSchema();

  @Get('portfolio.json')
  @Public({ why: 'the format of a file says nothing about this installation' })
  @Header('content-type', 'application/schema+json; charset=utf-8')
  @Header('cache-control', 'public, max-age=3600')
  portfolio(): Record<string, unknown> {
    return this.#portfolio;
  }

  @Get('report.json')
  @Public({ why: 'the format of a report says nothing about this installation' })
  @Header('content-type', 'application/schema+json; charset=utf-8')
  @Header('cache-control', 'public, max-age=3600')
  report(): Record<string, unknown> {
    return this.#report;
  }
}
