import { Body, Get, Param, Post } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Result } from '../../kernel/result.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { consentToScopeSchema, setScopesSchema } from '../../domain/credentials/credential.schema.ts';
import { CredentialScopes } from '../../domain/credentials/scopes.service.ts';
import { isSensitive } from '../../domain/policy/sensitive.rules.ts';
import { Policies } from '../../domain/policy/policies.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { scopesOf } from './edits.queries.ts';
import { ScopesView, type ScopeFields } from './scopes.view.tsx';

const name = { schema: reference };
const consentForm = consentToScopeSchema.extend({
  statement: z.string().trim().min(1, 'Say why you consent: it goes on record with your name.').max(2000),
});
const withdrawForm = z.object({ scope: z.string().min(1).max(500) });

/** What a credential may do, scope by scope, with why; and the consent to what is sensitive. */
@ConsolePage()
export class ScopesPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly scopes: CredentialScopes,
    private readonly policies: Policies,
  ) {}

  @Get('credentials/:reference/scopes')
  @Permission('policy:read', { face: 'console' })
  show(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(credential, by);
  }

  @Post('credentials/:reference/scopes')
  @Permission('portfolio:write', { face: 'console' })
  async save(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const form = typedIn(body);
    const rows = rowsIn(form);
    const read = setScopesSchema.safeParse({
      scopes: rows
        .filter(({ name: scope, description, justification }) => scope || description || justification)
        .map(({ name: scope, description, justification }) => ({ name: scope, description, justification })),
    });
    if (!read.success) {
      const problems = read.error.issues.map(({ path, message }) =>
        typeof path[1] === 'number'
          ? `Scope ${path[1] + 1}, ${String(path[2] ?? 'name')}: ${message}.`
          : `The list ${message}.`,
      );
      return this.#draw(credential, by, { problem: problems.join(' '), rows, status: 422 });
    }
    const version = Number(/^\d{1,9}$/.exec(form['rowVersion'] ?? '')?.[0] ?? 0);
    const done = await this.#with(credential, by, (db, id) =>
      this.scopes.set(db, id, read.data, version, by),
    );
    return this.#after(credential, by, done, 'The scopes are saved.', rows);
  }

  @Post('credentials/:reference/scopes/consent')
  @Permission('approvals:decide', { face: 'console' })
  async consent(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(consentForm, body);
    if (!read.ok)
      return this.#draw(credential, by, { problem: Object.values(read.error).join(' '), status: 422 });
    const done = await this.#with(credential, by, (db, id) => this.scopes.consent(db, id, read.value, by));
    return this.#after(credential, by, done, `Your consent to ${read.value.scope} is on record.`);
  }

  @Post('credentials/:reference/scopes/withdraw')
  @Permission('approvals:decide', { face: 'console' })
  async withdraw(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const read = readForm(withdrawForm, body);
    if (!read.ok) return this.#draw(credential, by, { problem: 'Name the scope.', status: 422 });
    const done = await this.#with(credential, by, (db, id) =>
      this.scopes.withdrawConsent(db, id, read.value.scope, by),
    );
    return this.#after(credential, by, done, `The consent to ${read.value.scope} is withdrawn.`);
  }

  #with<T>(
    credential: string,
    by: Principal,
    work: (db: Db, id: Id) => Promise<Result<T, Refusal>>,
  ): Promise<Result<T, Refusal>> {
    return this.transactions.run(by, async (db) => work(db, (await found(db, credential)).id));
  }

  #after(
    credential: string,
    by: Principal,
    done: Result<unknown, Refusal>,
    text: string,
    rows?: readonly ScopeFields[],
  ): Promise<Answer> | Answer {
    if (done.ok) return goes(`/credentials/${credential}/scopes`, { tone: 'dead', text });
    const status = done.error.kind === 'precondition' ? 412 : done.error.kind === 'conflict' ? 409 : 422;
    return this.#draw(credential, by, { problem: done.error.message, rows, status });
  }

  async #draw(
    credential: string,
    by: Principal,
    bad: { problem?: string; rows?: readonly ScopeFields[] | undefined; status?: number } = {},
  ): Promise<Answer> {
    const stored = await this.transactions.run(by, (db) => found(db, credential));
    const { sensitiveScopes } = this.policies.of(stored).policy.limits;
    const scopes = stored.scopes.map((scope) => ({
      ...scope,
      sensitive: isSensitive(scope.name, sensitiveScopes),
    }));
    return shows(
      (frame) =>
        ScopesView({ frame, stored: { ...stored, scopes }, rows: bad.rows ?? scopes, problem: bad.problem }),
      bad.status ?? 200,
    );
  }
}

/** The rows of the form in their order, however many the browser sent. */
function rowsIn(form: Readonly<Record<string, string>>): ScopeFields[] {
  const count = Math.min(500, Object.keys(form).filter((field) => field.startsWith('name-')).length);
  return Array.from({ length: count }, (_, at) => ({
    name: (form[`name-${at}`] ?? '').trim(),
    description: (form[`description-${at}`] ?? '').trim(),
    justification: (form[`justification-${at}`] ?? '').trim(),
  }));
}

async function found(db: Db, credential: string) {
  const stored = await scopesOf(db, credential);
  if (!stored)
    throw new Refused(
      refusal('not_found', 'not-found', 'There is no such credential, or it is not yours to see.'),
    );
  return stored;
}
