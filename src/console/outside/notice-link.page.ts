import { createHash } from 'node:crypto';
import { Body, Controller, Get, Param, Post, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Refusal } from '../../kernel/errors.ts';
import type { Result } from '../../kernel/result.ts';
import { PerMinute, Public } from '../../domain/access/route.ts';
import type { StrongerWays } from '../../domain/notices/acknowledgement-proofs.service.ts';
import { AcknowledgementService, type ShownNotice } from '../../domain/notices/acknowledgement.service.ts';
import { formProof, isFormProof } from '../../domain/notices/notice-link.rules.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { problemsOf, typedIn, type FormProblems } from '../shared/forms.tsx';
import { answer, goOn, openDoor, type Door } from './door.ts';
import { AcknowledgedView, BadLinkView, NoticeLinkView } from './notice-link.view.tsx';

const COOKIE = 'cs_notice';

/** Each link has a page of its own: two that are open side by side keep to their own notice. */
function doorOf(token: string): Door {
  return { cookie: COOKIE, path: `/notice/${createHash('sha256').update(token).digest('hex').slice(0, 24)}` };
}

const form = z.object({
  name: z.string().max(500).catch(''),
  code: z.string().max(40).catch(''),
  next: z.string().max(500).catch(''),
  secondCode: z.string().max(40).catch(''),
  signature: z.string().max(4000).catch(''),
  channel: z.string().max(40).catch(''),
  text_hash: z.string().max(200).catch(''),
  proof: z.string().max(200).catch(''),
});

const WHY = 'a link in a mail is the key; what it opens is one notice';

/**
 * The page behind the link of a notice. Opening it changes nothing, however often and by whatever scanner, and a
 * form that is sent without the code of the message does neither: a person reads, types a name and the code, and sends it.
 */
@Controller()
@ApiExcludeController()
export class NoticeLinkPage {
  constructor(
    private readonly acknowledgements: AcknowledgementService,
    private readonly keys: Keys,
    private readonly clock: Clock,
  ) {}

  @Get('n/:token')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  enter(@Param('token') token: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    openDoor(reply, request, doorOf(token), token);
  }

  @Get('notice/:door')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  async show(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const token = request.cookies[COOKIE] ?? '';
    const shown = await this.acknowledgements.show(token);
    if (!shown.ok) return bad(reply, shown.error);
    answer(reply, 200, this.#view(shown.value, token));
  }

  @Post('notice/:door')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(20)
  async acknowledge(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#take(body, request, reply, (token, typed) => {
      const { name, code, next, text_hash: textHash, secondCode, signature } = typed;
      return this.acknowledgements.acknowledge(
        token,
        { name, code, textHash, secondCode, signature, ...(next && { nextAction: next }) },
        request.ip,
      );
    });
  }

  /** What somebody signs elsewhere: exactly these bytes. */
  @Get('notice/:door/document')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  async document(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const document = await this.acknowledgements.document(request.cookies[COOKIE] ?? '');
    if (!document.ok) return bad(reply, document.error);
    void reply
      .headers({ 'cache-control': 'no-store', 'content-disposition': 'attachment; filename="notice.json"' })
      .type('application/json; charset=utf-8')
      .send(document.value);
  }

  @Post('notice/:door/code')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(10)
  async code(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#take(body, request, reply, (token, { channel }) =>
      this.acknowledgements.sendCode(token, channel),
    );
  }

  @Post('notice/:door/next')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(20)
  async next(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#take(body, request, reply, (token, { next }) =>
      this.acknowledgements.sayNext(token, next, request.ip),
    );
  }

  async #take(
    body: unknown,
    request: FastifyRequest,
    reply: FastifyReply,
    work: (token: string, typed: z.output<typeof form>) => Promise<Result<unknown, Refusal>>,
  ): Promise<void> {
    const token = request.cookies[COOKIE] ?? '';
    const typed = form.parse(body ?? {});
    const shown = await this.acknowledgements.show(token);
    if (!shown.ok) return bad(reply, shown.error);
    const again = (status: number, problems: FormProblems) =>
      answer(reply, status, this.#view(shown.value, token, { problems, typed: typedIn(body) }));
    // Only our own page can have made this proof, and only for the holder of this link.
    if (!isFormProof(typed.proof, token, this.keys.linkKey()))
      return again(403, {
        '': 'The form was not sent from this page. Read the notice, then confirm once more.',
      });
    const done = await work(token, typed);
    if (!done.ok)
      return again(
        done.error.kind === 'invalid' ? 422 : 409,
        problemsOf(done.error.message, done.error.fields),
      );
    goOn(reply, doorOf(token).path);
  }

  #view(
    { notice, ways }: { notice: ShownNotice; ways: StrongerWays },
    token: string,
    more: { problems?: FormProblems; typed?: Record<string, string> } = {},
  ) {
    const model = {
      notice,
      ways,
      now: this.clock.now(),
      path: doorOf(token).path,
      proof: formProof(token, this.keys.linkKey()),
      ...more,
    };
    return notice.acknowledged ? AcknowledgedView(model) : NoticeLinkView(model);
  }
}

function bad(reply: FastifyReply, refused: Refusal): void {
  answer(
    reply,
    refused.kind === 'forbidden' ? 410 : 404,
    BadLinkView({ ended: refused.kind === 'forbidden', message: refused.message }),
  );
}
