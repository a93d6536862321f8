import { Body, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused } from '../../kernel/errors.ts';
import { ROLES, type Principal } from '../../kernel/principal.ts';
import { ELAPSED_DAY, type Millis } from '../../kernel/time.ts';
import { AccessService } from '../../domain/access/access.service.ts';
import { AccountsService } from '../../domain/access/accounts.service.ts';
import { MAIL_LANGUAGES } from '../../domain/access/mail-language.rules.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { ownAccount } from './settings.queries.ts';
import { ProfileView } from './profile.view.tsx';

const form = z.object({ language: z.enum(MAIL_LANGUAGES, 'Choose one of these.') });

const tokenForm = z.object({
  name: z
    .string()
    .trim()
    .min(1, 'Say what it is for.')
    .max(200)
    .regex(/^\P{Cc}*$/u, 'One line.'),
  role: z.enum(ROLES, 'Choose one of these.'),
  days: z.coerce
    .number('A number of days.')
    .int('Whole days.')
    .min(1, 'At least one day.')
    .max(366, 'At most 366 days.'),
});

/** One's own account: who one is here, in which language one is written to, and what acts as oneself over the API. */
@ConsolePage()
export class ProfilePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly accounts: AccountsService,
    private readonly access: AccessService,
    private readonly clock: Clock,
  ) {}

  @Get('profile')
  @Permission('self:read', { face: 'console' })
  async show(@By() by: Principal): Promise<Answer> {
    const account = await this.#own(by);
    return shows((frame) => ProfileView({ frame, account }));
  }

  @Post('profile')
  @Permission('self:write', { face: 'console' })
  async speak(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const read = readForm(form, body);
    if (!read.ok) {
      const account = await this.#own(by);
      return shows((frame) => ProfileView({ frame, account, problems: read.error }), 422);
    }
    const done = await this.transactions.run({ ...by, partyId: null }, (db) =>
      this.accounts.speak(db, by.id, read.value.language, by),
    );
    if (!done.ok) throw new Refused(done.error);
    return goes('/profile', { tone: 'dead', text: 'Mails to you are written in it from now on.' });
  }

  /** Nobody else can make what acts as oneself; its value is on the page that answers, and on no other. */
  @Post('profile/tokens')
  @Permission('self:write', { face: 'console' })
  async makeToken(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    const account = await this.#own(by);
    const typed = typedIn(body);
    const read = readForm(tokenForm, body);
    if (!read.ok)
      return shows((frame) => ProfileView({ frame, account, token: { typed, problems: read.error } }), 422);
    const { name, role, days } = read.value;
    const expiresAt: Millis = this.clock.now() + days * ELAPSED_DAY;
    const input = { name, role, partyId: by.partyId, userId: by.id, expiresAt };
    const made = await this.transactions.run({ ...by, partyId: null }, (db) =>
      this.access.makeToken(db, input, by),
    );
    if (!made.ok) {
      const problems = problemsOf(made.error.message, made.error.fields);
      return shows((frame) => ProfileView({ frame, account, token: { typed, problems } }), 422);
    }
    const value = made.value.value.use((text) => text);
    return shows((frame) => ProfileView({ frame, account, token: { value, expiresAt } }));
  }

  /** Accounts are the installation's rows; one's own is seen by whoever it is of. */
  #own(by: Principal) {
    return this.transactions.run({ ...by, partyId: null }, (db) => ownAccount(db, by.id));
  }
}
