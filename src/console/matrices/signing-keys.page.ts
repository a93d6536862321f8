import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import type { Refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { contactsForKeys, SigningKeys } from '../../domain/responsibility/signing-keys.service.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { SigningKeysView } from './signing-keys.view.tsx';

const id = z.uuid();
const keyForm = z.object({
  contact: z.uuid('Choose whose key it is.'),
  publicKey: z.string().trim().min(1, 'Paste the public key.').max(2000, 'That is no Ed25519 public key.'),
});

/** Keys with which contacts sign elsewhere. A reader of a party sees its own. */
@ConsolePage()
export class SigningKeysPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly keys: SigningKeys,
  ) {}

  @Get('signing-keys')
  @Permission('matrices:read', { face: 'console' })
  show(@By() by: Principal): Promise<Answer> {
    return this.#draw(by, {}, {});
  }

  @Post('signing-keys')
  @Permission('matrices:write', { face: 'console' })
  @PerMinute(30)
  async register(@Body() body: unknown, @By() by: Principal): Promise<Answer> {
    // What was pasted is not shown again: it may have been the private half.
    const { contact = '' } = typedIn(body);
    const typed = { contact };
    const read = readForm(keyForm, body);
    if (!read.ok) return this.#draw(by, typed, read.error, 422);
    // A browser sends lines that end in CR LF; a key is the same key.
    const pem = read.value.publicKey.replaceAll('\r\n', '\n');
    const done = await this.keys.register(read.value.contact, pem, by);
    if (!done.ok)
      return this.#draw(by, typed, problemsOf(done.error.message, done.error.fields), statusOf(done.error));
    return goes('/signing-keys', {
      tone: 'dead',
      text: 'Registered. Compare its fingerprint with the contact by another way; it counts for what is proposed from now on.',
    });
  }

  @Post('signing-keys/:id/retire')
  @Permission('matrices:write', { face: 'console' })
  async retire(@Param('id', { schema: id }) keyId: string, @By() by: Principal): Promise<Answer> {
    const done = await this.keys.retire(keyId, by);
    if (!done.ok) return this.#draw(by, {}, { '': done.error.message }, statusOf(done.error));
    return goes('/signing-keys', {
      tone: 'dead',
      text: 'Retired: what it signed stands, and it signs nothing more.',
    });
  }

  async #draw(
    by: Principal,
    typed: Readonly<Record<string, string>>,
    problems: FormProblems,
    status = 200,
  ): Promise<Answer> {
    const keys = await this.keys.list(by);
    const contacts = await this.transactions.run(by, (db) => contactsForKeys(db, by));
    return shows((frame) => SigningKeysView({ frame, keys, contacts, typed, problems }), status);
  }
}

function statusOf({ kind }: Refusal): number {
  return kind === 'conflict' ? 409 : kind === 'not_found' ? 404 : kind === 'forbidden' ? 403 : 422;
}
