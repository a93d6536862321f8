import { Controller, Get, Header, Param } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import { Refused, refusal } from '../kernel/errors.ts';
import { Public } from '../domain/access/route.ts';
import { SetSigner } from '../domain/signals/set-signer.service.ts';
import { StreamsService } from '../domain/signals/streams.service.ts';

const WHY = 'a receiver finds the transmitter by it before it can show who it is';

/** What receivers of Security Event Tokens read first, at the addresses that the standards give them. */
@ApiExcludeController()
@Controller('.well-known')
export class SignalsMetadataController {
  constructor(
    private readonly streams: StreamsService,
    private readonly signer: SetSigner,
  ) {}

  @Get('ssf-configuration')
  @Public({ why: WHY })
  @Header('cache-control', 'public, max-age=300')
  metadata(): Record<string, unknown> {
    return this.of('');
  }

  /** An issuer with a path has it behind the well-known part (SSF 1.0, section 7.2). */
  @Get('ssf-configuration/:path')
  @Public({ why: WHY })
  @Header('cache-control', 'public, max-age=300')
  metadataOfPath(@Param('path') path: string): Record<string, unknown> {
    return this.of(`/${path}`);
  }

  private of(path: string): Record<string, unknown> {
    const own = new URL(this.signer.issuer()).pathname.replace(/\/$/, '');
    // `issuer` in the answer must be the one that was asked for.
    if (path !== own) throw new Refused(refusal('not_found', 'no-such-issuer', 'There is no such issuer.'));
    return this.streams.metadata();
  }
}
