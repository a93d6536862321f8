import { Controller, Get } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Public } from '../domain/access/route.ts';
import { OpenApi } from './openapi.ts';

@ApiExcludeController()
@Controller('api/openapi.json')
export class OpenApiController {
  constructor(private readonly openApi: OpenApi) {}

  @Get()
  @Public({ why: 'how the API is spoken is no secret' })
  document(): object {
    return this.openApi.document();
  }
}
