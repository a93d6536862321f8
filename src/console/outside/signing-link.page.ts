import { Body, Controller, Get, Param, Post, Query, Req, Res } from '@nestjs/common';
import { ApiExcludeController } from '@nestjs/swagger';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { z } from 'zod';
import type { Refusal } from '../../kernel/errors.ts';
import { system } from '../../kernel/principal.ts';
import { mailLanguageOf } from '../../domain/access/mail-language.rules.ts';
import { PerMinute, Public } from '../../domain/access/route.ts';
import { formProof, isFormProof } from '../../domain/notices/notice-link.rules.ts';
import { isTextLanguage } from '../../domain/responsibility/matrix-text.rules.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import { SigningLinks } from '../../domain/responsibility/signing-links.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { answer, goOn, openDoor } from './door.ts';
import { signingWordsIn, type SigningWords } from './signing-link.words.ts';
import { standingOf } from './standing.queries.ts';
import { BadSigningLinkView, ConfirmContactView, SigningLinkView } from './signing-link.view.tsx';

const SIGN = { cookie: 'cs_matrix', path: '/sign-matrix' };
const CONFIRM = { cookie: 'cs_contact', path: '/confirm-contact' };
const WHY = 'a link in a mail is the key; what it opens is one matrix of one integration';

const text = (most: number) => z.string().max(most).catch('');
const signForm = z.object({
  signs_for: text(200),
  language: text(10),
  content_hash: text(64),
  text_hash: text(64),
  code: text(20),
  purpose: z.enum(['sign', 'send_back']).catch('sign'),
  proof: text(200),
});
const backForm = z.object({
  duty: z.enum(DUTIES).nullable().catch(null),
  language: text(10),
  text: text(2000),
  code: text(20),
  proof: text(200),
});

/**
 * The pages behind the links to sign a matrix and to confirm a contact. Opening them changes nothing, however often and by
 * whatever scanner. The token leaves the address at once; signing needs a code that goes to the registered mailbox, so a
 * link that was passed on signs nothing.
 */
@Controller()
@ApiExcludeController()
export class SigningLinkPage {
  constructor(
    private readonly links: SigningLinks,
    private readonly keys: Keys,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  @Get('m/:token')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  enter(@Param('token') token: string, @Req() request: FastifyRequest, @Res() reply: FastifyReply): void {
    openDoor(reply, request, SIGN, token);
  }

  @Get('sign-matrix')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  async show(
    @Query('language') language: unknown,
    @Query('code') code: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    await this.#draw(request, reply, { language, codeSent: code === 'sent' });
  }

  @Post('sign-matrix/code')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(10)
  async code(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = request.cookies[SIGN.cookie] ?? '';
    const { proof, language, purpose } = signForm.parse(body ?? {});
    if (!this.#isOurs(proof, token))
      return this.#draw(request, reply, { language, problem: (w) => w.problems.notOurs, status: 403 });
    const sent = await this.links.sendCode(token, purpose, fromOf(request));
    if (!sent.ok)
      return this.#draw(request, reply, {
        language,
        problem: said(sent.error),
        status: statusOf(sent.error),
      });
    const query = isTextLanguage(language) ? `&language=${language}` : '';
    goOn(reply, `${SIGN.path}?code=sent${query}#${purpose === 'sign' ? 'sign' : 'back'}`);
  }

  @Post('sign-matrix')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(20)
  async sign(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = request.cookies[SIGN.cookie] ?? '';
    const typed = signForm.parse(body ?? {});
    const again = (problem: Said, status: number) =>
      this.#draw(request, reply, {
        problem,
        status,
        language: typed.language,
        signsFor: typed.signs_for,
        codeSent: true,
      });
    if (!this.#isOurs(typed.proof, token)) return again((w) => w.problems.notOurs, 403);
    if (typed.signs_for.trim() === '') return again((w) => w.problems.name, 422);
    if (typed.code.trim() === '') return again((w) => w.problems.code, 422);
    const done = await this.links.attest(
      token,
      {
        signsFor: typed.signs_for.trim(),
        language: typed.language,
        contentHash: typed.content_hash,
        textHash: typed.text_hash,
        code: typed.code,
      },
      fromOf(request),
    );
    if (!done.ok) return again(said(done.error), statusOf(done.error));
    goOn(reply, SIGN.path);
  }

  @Post('sign-matrix/back')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(20)
  async sendBack(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = request.cookies[SIGN.cookie] ?? '';
    const typed = backForm.parse(body ?? {});
    const comment = typed.text.replaceAll(/\s+/g, ' ').trim();
    const again = (problem: Said, status: number) =>
      this.#draw(request, reply, { language: typed.language, problem, status, comment });
    if (!this.#isOurs(typed.proof, token)) return again((w) => w.problems.notOurs, 403);
    if (comment === '') return again((w) => w.problems.comment, 422);
    if (typed.code.trim() === '') return again((w) => w.problems.code, 422);
    const done = await this.links.sendBack(
      token,
      { comments: [{ duty: typed.duty, part: '', credentialId: null, text: comment }], code: typed.code },
      fromOf(request),
    );
    if (!done.ok) return again(said(done.error), statusOf(done.error));
    const language = typed.language || askedFor(request);
    const message = signingWordsIn(language).sentBack;
    answer(reply, 200, BadSigningLinkView({ kind: 'sent-back', message, language }));
  }

  @Get('mc/:token')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  enterConfirmation(
    @Param('token') token: string,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): void {
    openDoor(reply, request, CONFIRM, token);
  }

  @Get('confirm-contact')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(60)
  async showConfirmation(@Req() request: FastifyRequest, @Res() reply: FastifyReply): Promise<void> {
    const token = request.cookies[CONFIRM.cookie] ?? '';
    const shown = await this.links.showConfirmation(token, fromOf(request));
    if (!shown.ok) return bad(request, reply, shown.error);
    answer(
      reply,
      200,
      ConfirmContactView({ shown: shown.value, proof: formProof(token, this.keys.linkKey()) }),
    );
  }

  @Post('confirm-contact')
  @Public({ why: WHY, face: 'outside' })
  @PerMinute(20)
  async confirm(
    @Body() body: unknown,
    @Req() request: FastifyRequest,
    @Res() reply: FastifyReply,
  ): Promise<void> {
    const token = request.cookies[CONFIRM.cookie] ?? '';
    const { proof } = z.object({ proof: text(200) }).parse(body ?? {});
    if (!this.#isOurs(proof, token))
      return bad(request, reply, {
        kind: 'forbidden',
        code: 'proof',
        message: signingWordsIn(askedFor(request)).problems.notOurs,
      });
    const done = await this.links.confirm(token, fromOf(request));
    if (!done.ok) return bad(request, reply, done.error);
    goOn(reply, CONFIRM.path);
  }

  async #draw(
    request: FastifyRequest,
    reply: FastifyReply,
    o: {
      language?: unknown;
      problem?: Said;
      status?: number;
      signsFor?: string;
      codeSent?: boolean;
      comment?: string;
    },
  ): Promise<void> {
    const token = request.cookies[SIGN.cookie] ?? '';
    const language = typeof o.language === 'string' && isTextLanguage(o.language) ? o.language : undefined;
    const shown = await this.links.show(token, language, fromOf(request));
    if (!shown.ok) return bad(request, reply, shown.error);
    const standing = await this.transactions.run(system('signing-link', request.correlationId), (db) =>
      standingOf(db, shown.value.reference, shown.value.partyName, this.clock.now()),
    );
    const view = SigningLinkView({
      shown: shown.value,
      standing,
      proof: formProof(token, this.keys.linkKey()),
      codeSent: o.codeSent === true,
      signsFor: o.signsFor ?? '',
      comment: o.comment ?? '',
      problem: o.problem?.(signingWordsIn(shown.value.language)),
    });
    answer(reply, o.status ?? 200, view);
  }

  /** Only our own page can have made the proof, and only for the holder of this link. */
  #isOurs(proof: string, token: string): boolean {
    return isFormProof(proof, token, this.keys.linkKey());
  }
}

/** A problem, in the words of the page that it is shown on. */
type Said = (words: SigningWords) => string;

function said({ code, message }: Refusal): Said {
  return (words) => words.refusals[code] ?? message;
}

/** Of whoever opened a link that tells us nothing of its reader. */
function askedFor(request: FastifyRequest): string {
  return mailLanguageOf(request.headers['accept-language']) ?? 'en';
}

function fromOf(request: FastifyRequest) {
  return { correlationId: request.correlationId, ip: request.ip };
}

function statusOf(refused: Refusal): number {
  return { conflict: 409, not_found: 404, too_many: 429, unavailable: 503 }[refused.kind as string] ?? 422;
}

function bad(request: FastifyRequest, reply: FastifyReply, refused: Refusal): void {
  const ended = refused.kind === 'conflict';
  const language = askedFor(request);
  answer(
    reply,
    ended ? 410 : refused.kind === 'not_found' ? 404 : 403,
    BadSigningLinkView({
      kind: ended ? 'ended' : 'unknown',
      message: said(refused)(signingWordsIn(language)),
      language,
    }),
  );
}
