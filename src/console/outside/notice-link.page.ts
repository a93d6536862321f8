import { Body, Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Refusal } from '../../kernel/errors.ts';
import { PerMinute, Public } from '../../domain/access/route.ts';
import { AcknowledgementService } from '../../domain/notices/acknowledgement.service.ts';
import { formProof, isFormProof } from '../../domain/notices/notice-link.rules.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { answer, goOn, openDoor } from './door.ts';
import { AcknowledgedView, BadLinkView, NoticeLinkView } from './notice-link.view.tsx';

const NOTICE = { cookie: 'cs_notice', path: '/notice' };

const form = z.object({
  name: z.string().max(500).catch(''),
  text_hash: z.string().max(200).catch(''),
  proof: z.string().max(200).catch(''),
});

const WHY = 'a link in a mail is the key; what it opens is one notice';

/**
 * The page behind the link of a notice. Opening it changes nothing, however often and by whatever scanner; a person types
 * a name and sends the form.
 */
@Controller()
@ApiExcludeController()
export class NoticeLinkPage {
  constructor(
    private readonly acknowledgements: AcknowledgementService,
    private readonly keys: Keys,
  ) {}

  @Get('n/:token')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  enter(@Param('token') token: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    openDoor(reply, request, NOTICE, token);
  }

  @Get('notice')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  async show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const token = request.cookies[NOTICE.cookie] ?? '';
    const shown = await this.acknowledgements.show(token);
    if (!shown.ok) return bad(reply, shown.error);
    const { notice } = shown.value;
    if (notice.acknowledged) return answer(reply, 200, AcknowledgedView({ notice }));
    answer(reply, 200, NoticeLinkView({ notice, proof: formProof(token, this.keys.linkKey()) }));
  }

  @Post('notice')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(20)
  async acknowledge(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = request.cookies[NOTICE.cookie] ?? '';
    const typed = form.parse(body ?? {});
    const shown = await this.acknowledgements.show(token);
    if (!shown.ok) return bad(reply, shown.error);
    const { notice } = shown.value;
    const proof = formProof(token, this.keys.linkKey());
    const again = (status: number, problem: string) =>
      answer(reply, status, NoticeLinkView({ notice, proof, problem, name: typed.name }));
    // Only our own page can have made this proof, and only for the holder of this link.
    if (!isFormProof(typed.proof, token, this.keys.linkKey()))
      return again(403, 'The form was not sent from this page. Read the notice, then confirm once more.');
    const done = await this.acknowledgements.acknowledge(token, typed.name, typed.text_hash, request.ip);
    if (!done.ok) {
      return again(done.error.kind === 'invalid' ? 422 : 409, done.error.message);
    }
    goOn(reply, NOTICE.path);
  }
}

function bad(reply: FastifyReply, refused: Refusal): void {
  answer(
    reply,
    refused.kind === 'forbidden' ? 410 : 404,
    BadLinkView({ ended: refused.kind === 'forbidden', message: refused.message }),
  );
}
