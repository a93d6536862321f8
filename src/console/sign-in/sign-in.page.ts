import { Body, Get, Post, Query, Req } from '@nestjs/common';
import type { FastifyRequest } from 'fastify';
import { z } from 'zod';
import { system } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import { AccessService } from '../../domain/access/access.service.ts';
import { AccountsService } from '../../domain/access/accounts.service.ts';
import { mailLanguageOf, type MailLanguage } from '../../domain/access/mail-language.rules.ts';
import { PerMinute, Public } from '../../domain/access/route.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { nextOf } from './next.rules.ts';
import { SignInView } from './sign-in.view.tsx';

const form = z.object({
  email: z.string().trim().min(1, 'Type your e-mail address.').max(320),
  password: z.string().min(1, 'Type your password.').max(1000),
  next: z.string().max(2000).optional(),
});

@ConsolePage()
export class SignInPage {
  constructor(
    private readonly access: AccessService,
    private readonly accounts: AccountsService,
    private readonly transactions: Transactions,
  ) {}

  @Get('sign-in')
  @Public({ why: 'people sign in here', face: 'console' })
  show(@Query('next') next: unknown, @Req() request: FastifyRequest): Answer {
    if (request.principal) return goes(nextOf(next));
    return shows((frame) => SignInView({ frame, next: nextOf(next) }));
  }

  @Post('sign-in')
  @Public({ why: 'people sign in here', face: 'console' })
  @PerMinute(30)
  async signIn(@Body() body: unknown, @Req() request: FastifyRequest): Promise<Answer> {
    const read = readForm(form, body);
    if (!read.ok) return shows((frame) => SignInView({ frame, next: '/', problems: read.error }), 400);
    const { email } = read.value;
    const next = nextOf(read.value.next);
    const from = { correlationId: request.correlationId, ip: request.ip };
    const judged = await this.access.authenticate(email, Secret.of(read.value.password), from);
    if (!judged.ok) {
      const problems = { '': judged.error.message };
      return shows((frame) => SignInView({ frame, next, email, problems }), 401);
    }
    // A new id, so that one which was planted before is worth nothing after.
    await request.session.regenerate();
    request.session.userId = judged.value.userId;
    request.session.userName = await this.#nameOf(judged.value.userId, request.correlationId);
    const asked = mailLanguageOf(request.headers['accept-language']);
    if (asked) await this.#speak(judged.value.userId, asked, request.correlationId);
    return goes(next);
  }

  /** Whoever never said in which language they are written to reads what their browser asks for. */
  async #speak(userId: string, language: MailLanguage, correlationId: string): Promise<void> {
    const by = system('access', correlationId);
    await this.transactions.run(by, (db) =>
      this.accounts.speak(db, userId, language, by, { unlessSaid: true }),
    );
  }

  async #nameOf(userId: string, correlationId: string): Promise<string> {
    const [row] = await this.transactions.run(system('access', correlationId), (db) =>
      db.query<{ name: string }[]>(
        'SELECT p.name FROM user_account u JOIN person p ON p.id = u.person_id WHERE u.id = $1',
        [userId],
      ),
    );
    return row?.name ?? '';
  }

  @Post('sign-out')
  @Public({ why: 'whoever is not signed in may say so, too', face: 'console' })
  async signOut(@Req() request: FastifyRequest): Promise<Answer> {
    await request.session.destroy();
    return goes('/sign-in');
  }
}
