import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../domain/access/route.ts';
import { HIDE_SCRIPT } from './hide-script.ts';
import { LIVE_PREVIEW_SCRIPT } from './live-preview-script.ts';
import { STYLES, STYLES_HASH } from './styles.ts';

@Controller()
@ApiExcludeController()
export class AssetsPage {
  @Get('assets/console.css')
  @Public({ why: 'the style sheet is the same for everybody' })
  styles(@Query('v') version: unknown, @Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.type('text/css; charset=utf-8').header('etag', `"${STYLES_HASH}"`);
    // Another version's address must not be kept under a wrong content for a year.
    void reply.header(
      'cache-control',
      version === STYLES_HASH ? 'public, max-age=31536000, immutable' : 'public, no-cache',
    );
    return STYLES;
  }

  @Get('assets/hide.js')
  @Public({ why: 'the script is the same for everybody' })
  hide(@Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, no-cache');
    return HIDE_SCRIPT;
  }

  @Get('assets/live-preview.js')
  @Public({ why: 'the script is the same for everybody' })
  livePreview(@Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.type('text/javascript; charset=utf-8').header('cache-control', 'public, no-cache');
    return LIVE_PREVIEW_SCRIPT;
  }
}
