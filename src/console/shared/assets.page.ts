import { Controller, Get, Query, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply } from 'fastify';
import { Public } from '../../domain/access/route.ts';
import { ANSWERED_FORM_HASH, ANSWERED_FORM_SCRIPT } from './answered-form-script.ts';
import { HIDE_SCRIPT } from './hide-script.ts';
import { LIVE_PREVIEW_SCRIPT } from './live-preview-script.ts';
import { STYLES, STYLES_HASH } from './styles.ts';

@Controller()
@ApiExcludeController()
export class AssetsPage {
  @Get('assets/console.css')
  @Public({ why: 'the style sheet is the same for everybody' })
  styles(@Query('v') version: unknown, @Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.type('text/css; charset=utf-8');
    keptAs(STYLES_HASH, version, reply);
    return STYLES;
  }

  @Get('assets/forms.js')
  @Public({ why: 'the script is the same for everybody' })
  forms(@Query('v') version: unknown, @Res({ passthrough: true }) reply: FastifyReply): string {
    void reply.type('text/javascript; charset=utf-8');
    keptAs(ANSWERED_FORM_HASH, version, reply);
    return ANSWERED_FORM_SCRIPT;
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

/** Another version's address must not be kept under a wrong content for a year. */
function keptAs(hash: string, version: unknown, reply: FastifyReply): void {
  void reply
    .header('etag', `"${hash}"`)
    .header('cache-control', version === hash ? 'public, max-age=31536000, immutable' : 'public, no-cache');
}
