import { Body, Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import type { VNode } from 'preact';
import { z } from 'zod';
import type { Refusal } from '../../kernel/errors.ts';
import { PerMinute, Public } from '../../domain/access/route.ts';
import { AcknowledgementService } from '../../domain/notices/acknowledgement.service.ts';
import { formProof, isFormProof } from '../../domain/notices/notice-link.rules.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { document } from '../shared/layout.tsx';
import { AcknowledgedView, BadLinkView, NoticeLinkView } from './notice-link.view.tsx';

/** The link's token, while its page is open. Bound to the page's own path, so that it goes nowhere else. */
const COOKIE = 'cs_notice';
const PATH = '/notice';
/** Seconds that a page may stay open before the link has to be opened again. */
const OPEN_FOR = 3600;

const form = z.object({
  name: z.string().max(500).catch(''),
  text_hash: z.string().max(200).catch(''),
  proof: z.string().max(200).catch(''),
});

const WHY = 'a link in a mail is the key; what it opens is one notice';

/**
 * The page behind the link of a notice. Opening it changes nothing, however often and by whatever scanner; a person types
 * a name and sends the form. The token leaves the address at once (ASVS 14.2.1): it would stay in histories and logs.
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
    void reply
      .headers(PRIVATE)
      .setCookie(COOKIE, token, {
        httpOnly: true,
        sameSite: 'lax',
        path: PATH,
        maxAge: OPEN_FOR,
        secure: request.protocol === 'https',
      })
      .redirect(PATH, 303);
  }

  @Get('notice')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  async show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const token = request.cookies[COOKIE] ?? '';
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
    const token = request.cookies[COOKIE] ?? '';
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
    void reply.headers(PRIVATE).redirect(PATH, 303);
  }
}

const PRIVATE = { 'cache-control': 'no-store', 'referrer-policy': 'no-referrer' };

function answer(reply: FastifyReply, status: number, view: VNode): void {
  void reply.code(status).headers(PRIVATE).type('text/html; charset=utf-8').send(document(view));
}

function bad(reply: FastifyReply, refused: Refusal): void {
  answer(
    reply,
    refused.kind === 'forbidden' ? 410 : 404,
    BadLinkView({ ended: refused.kind === 'forbidden', message: refused.message }),
  );
}
