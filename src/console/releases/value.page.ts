import { Body, Get, Param, Post, Res } from '@nestjs/common';
import type { FastifyReply } from 'fastify';
import { z } from 'zod';
import { Refused, refusal } from '../../kernel/errors.ts';
import { newId } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Secret } from '../../kernel/secret.ts';
import { By, PerMinute, Permission } from '../../domain/access/route.ts';
import { TemporaryPermissions } from '../../domain/access/temporary-permissions.service.ts';
import { Checkouts } from '../../domain/releases/checkouts.service.ts';
import { reasonSchema } from '../../domain/releases/release.schema.ts';
import { Reveals, SHOWN_FOR } from '../../domain/releases/reveals.service.ts';
import { VersionValues } from '../../domain/releases/version-values.service.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { findCredential, versionsOf } from '../credentials/credential.queries.ts';
import { problemsOf, readForm, typedIn, type FormProblems } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { heldBy, ownPermission, revealsOf } from './releases.queries.ts';
import { ShownView } from './shown.view.tsx';
import { ValueView, type ValueForm } from './value.view.tsx';

const name = { schema: reference };
const id = { schema: z.uuid() };
const reason = reasonSchema.transform((text) => text.trim());
const askForm = z.object({
  reason,
  minutes: z.coerce.number('Choose a length of time.').int().min(5).max(480, 'At most eight hours.'),
});
const revealForm = z.object({
  key: z.uuid('The page is too old. Load it again.'),
  version: z.uuid('Choose a version.'),
  reason,
  password: z.string().min(1, 'Type your password again.').max(1000),
});
const placeForm = z.object({ value: z.string().min(1, 'Paste the value.').max(65_536, 'It is too long.') });

/** The value of a credential: masked, placed by hand, shown to whom it was given, and who else holds it. */
@ConsolePage()
export class ValuePage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly values: VersionValues,
    private readonly reveals: Reveals,
    private readonly permissions: TemporaryPermissions,
    private readonly checkouts: Checkouts,
  ) {}

  @Get('credentials/:reference/value')
  @Permission('machines:read', { face: 'console' })
  show(@Param('reference', name) credential: string, @By() by: Principal): Promise<Answer> {
    return this.#show(credential, by);
  }

  @Post('credentials/:reference/value/place/:version')
  @Permission('portfolio:write', { face: 'console' })
  async place(
    @Param('reference', name) credential: string,
    @Param('version', id) versionId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { versions } = await this.#model(credential, by);
    if (!versions.some((version) => version.id === versionId)) throw nothing();
    // What was typed as a value is never shown again, nor said in a problem.
    const again = (problems: FormProblems) =>
      this.#show(credential, by, { about: 'place', subject: versionId, problems, typed: {} });
    const read = readForm(placeForm, body);
    if (!read.ok) return again(read.error);
    const done = await this.values.put(versionId, Secret.of(read.value.value), by);
    if (!done.ok) return again(problemsOf(done.error.message, done.error.fields));
    return goes(`/credentials/${credential}/value`, {
      tone: 'dead',
      text: done.value.placed ? 'The value is sealed.' : 'That value is there already.',
    });
  }

  @Post('credentials/:reference/value/ask')
  @Permission('reveals:ask', { face: 'console' })
  async ask(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const { head } = await this.#model(credential, by);
    const again = (problems: FormProblems) =>
      this.#show(credential, by, { about: 'ask', problems, typed: typedIn(body) });
    const read = readForm(askForm, body);
    if (!read.ok) return again(read.error);
    const asked = await this.transactions.run(by, (db) =>
      this.permissions.ask(
        db,
        { permission: 'credentials:reveal', subject: { kind: 'credential', id: head.id }, ...read.value },
        by,
      ),
    );
    if (!asked.ok) return again(problemsOf(asked.error.message, asked.error.fields));
    return goes(`/credentials/${credential}/value`, {
      tone: 'wait',
      text: 'Asked. Somebody else has to give it; it then stands on this page.',
    });
  }

  @Post('credentials/:reference/value/reveal')
  @Permission('credentials:reveal', { face: 'console' })
  @PerMinute(30)
  reveal(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    return this.#reveal(credential, body, false, by, reply);
  }

  @Post('credentials/:reference/value/break-glass')
  @Permission('credentials:break-glass', { face: 'console' })
  @PerMinute(30)
  breakGlass(
    @Param('reference', name) credential: string,
    @Body() body: unknown,
    @By() by: Principal,
    @Res({ passthrough: true }) reply: FastifyReply,
  ): Promise<Answer> {
    return this.#reveal(credential, body, true, by, reply);
  }

  @Post('credentials/:reference/value/checkouts/:id/end')
  @Permission('checkouts:end', { face: 'console' })
  async end(
    @Param('reference', name) credential: string,
    @Param('id', id) checkoutId: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const { held } = await this.#model(credential, by);
    if (!held.some((one) => one.id === checkoutId)) throw nothing();
    const done = await this.transactions.run(by, (db) => this.checkouts.revoke(db, checkoutId, by));
    if (!done.ok) throw new Refused(done.error);
    return goes(`/credentials/${credential}/value`, {
      tone: 'dead',
      text: 'Ended. The machine is told so; what it has seen it has seen until the credential itself is revoked.',
    });
  }

  /** The only answer of this installation to a person that holds a value: to a form, kept by no cache, and gone in a minute. */
  async #reveal(
    credential: string,
    body: unknown,
    breakGlass: boolean,
    by: Principal,
    reply: FastifyReply,
  ): Promise<Answer> {
    const { head, versions } = await this.#model(credential, by);
    const { password: _password, key: _key, ...typed } = typedIn(body);
    const again = (problems: FormProblems) =>
      this.#show(credential, by, { about: breakGlass ? 'break-glass' : 'reveal', problems, typed });
    const read = readForm(revealForm, body);
    if (!read.ok) return again(read.error);
    const { version: versionId, key, reason: why } = read.value;
    if (!versions.some((version) => version.id === versionId))
      return again({ version: 'Choose a version of this credential.' });
    const password = Secret.of(read.value.password);
    const done = await this.reveals.reveal({ versionId, key, reason: why, password, breakGlass }, by);
    password.wipe();
    if (!done.ok) return again(problemsOf(done.error.message, done.error.fields));
    const { value, ...shown } = done.value;
    const text = value.use((plain) => plain);
    value.wipe();
    const back = `/credentials/${credential}/value`;
    void reply.header('refresh', `${SHOWN_FOR / 1000}; url=${back}`).header('pragma', 'no-cache');
    return shows((frame) => ShownView({ frame, head, back, shown, text }));
  }

  async #show(credential: string, by: Principal, form?: ValueForm): Promise<Answer> {
    const model = await this.#model(credential, by);
    return shows((frame) => ValueView({ frame, ...model, formKey: newId(), form }), form ? 422 : 200);
  }

  #model(credential: string, by: Principal) {
    const now = this.clock.now();
    return this.transactions.run(by, async (db) => {
      const head = await findCredential(db, credential);
      if (!head) throw nothing();
      return {
        head,
        versions: await versionsOf(db, head.id),
        policy: await this.reveals.levelOf(db, head.id),
        permission: await ownPermission(db, by.id, head.id, now),
        reveals: await revealsOf(db, head.id),
        held: await heldBy(db, { credentialId: head.id }, now),
      };
    });
  }
}

function nothing(): Refused {
  return new Refused(
    refusal('not_found', 'not-found', 'There is no such credential, or it is not yours to see.'),
  );
}
