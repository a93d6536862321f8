import { Body, Get, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { AccountsService } from '../../domain/access/accounts.service.ts';
import { MAIL_LANGUAGES } from '../../domain/access/mail-language.rules.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { readForm } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { ownAccount } from './settings.queries.ts';
import { ProfileView } from './profile.view.tsx';

const form = z.object({ language: z.enum(MAIL_LANGUAGES, 'Choose one of these.') });

/** One's own account: who one is here, and in which language one is written to. */
@ConsolePage()
export class ProfilePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly accounts: AccountsService,
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

  /** Accounts are the installation's rows; one's own is seen by whoever it is of. */
  #own(by: Principal) {
    return this.transactions.run({ ...by, partyId: null }, (db) => ownAccount(db, by.id));
  }
}
