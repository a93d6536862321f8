import { Body, Get, Param, Post, Query } from '@nestjs/common';
import { z } from 'zod';
import { Refused, refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { may } from '../../domain/access/permissions.ts';
import { By, Permission, PerMinute } from '../../domain/access/route.ts';
import { Attestations } from '../../domain/responsibility/attestations.service.ts';
import { CountersigningService } from '../../domain/responsibility/countersigning.service.ts';
import {
  actingParty,
  findVersion,
  lastSignedVersion,
} from '../../domain/responsibility/matrix-facts.queries.ts';
import { Invitations } from '../../domain/responsibility/invitations.service.ts';
import { MatrixProposalsService } from '../../domain/responsibility/matrix-proposals.service.ts';
import { isTextLanguage } from '../../domain/responsibility/matrix-text.rules.ts';
import { matrixDiff, versionView } from '../../domain/responsibility/matrix-views.queries.ts';
import { OfflineSigning } from '../../domain/responsibility/offline-signing.service.ts';
import { SigningFloor } from '../../domain/responsibility/signing-floor.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { readForm } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { choicesFor, versionsOf } from './choices.queries.ts';
import { DiffView } from './diff.view.tsx';
import { inviteForm, reasonForm, sendBackForm, signForm } from './matrix.schema.ts';
import { VersionPageView } from './version.view.tsx';

const id = z.uuid();

/** One version: what it says, in the language in which it is signed, who signed it, and the reader's own answer. */
@ConsolePage()
export class MatrixVersionPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly countersigning: CountersigningService,
    private readonly attestations: Attestations,
    private readonly offline: OfflineSigning,
    private readonly proposals: MatrixProposalsService,
    private readonly floor: SigningFloor,
    private readonly invitations: Invitations,
  ) {}

  @Get('matrices/:id')
  @Permission('matrices:read', { face: 'console' })
  show(
    @Param('id', { schema: id }) versionId: string,
    @Query('language') language: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#draw(versionId, by, language);
  }

  @Get('matrices/:id/changes/:since')
  @Permission('matrices:read', { face: 'console' })
  async changes(
    @Param('id', { schema: id }) versionId: string,
    @Param('since', { schema: id }) since: string,
    @By() by: Principal,
  ): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const diff = await matrixDiff(db, since, versionId);
      const version = diff && (await versionView(db, versionId, this.clock.now()));
      if (!diff || !version) return undefined;
      return {
        diff,
        head: (await headOf(db, version.integrationId))!,
        credentials: (await choicesFor(db, version.integrationId)).credentials,
      };
    });
    if (!model) throw new Refused(noVersion());
    return shows((frame) => DiffView({ frame, ...model }));
  }

  @Post('matrices/:id/code')
  @Permission('matrices:countersign', { face: 'console' })
  @PerMinute(10)
  async code(@Param('id', { schema: id }) versionId: string, @By() by: Principal): Promise<Answer> {
    const sent = await this.countersigning.sendCode(versionId, by);
    if (!sent.ok) return this.#draw(versionId, by, undefined, sent.error);
    return goes(`/matrices/${versionId}`, {
      tone: 'dead',
      text: 'A code is on its way to the address of your account.',
    });
  }

  @Post('matrices/:id/sign')
  @Permission('matrices:countersign', { face: 'console' })
  @PerMinute(30)
  sign(
    @Param('id', { schema: id }) versionId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(versionId, signForm, body, by, 'Signed, and on record.', (filled) =>
      this.countersigning.attest(
        versionId,
        {
          signsFor: filled.signs_for,
          language: filled.language,
          contentHash: filled.content_hash,
          textHash: filled.text_hash,
          ...(filled.code === '' ? {} : { code: filled.code }),
        },
        by,
      ),
    );
  }

  @Post('matrices/:id/send-back')
  @Permission('matrices:countersign', { face: 'console' })
  sendBack(
    @Param('id', { schema: id }) versionId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(versionId, sendBackForm, body, by, 'Sent back, with your comment.', (comment) =>
      this.proposals.sendBack(versionId, { comments: [{ ...comment, credentialId: null }] }, by),
    );
  }

  @Post('matrices/:id/withdraw')
  @Permission('matrices:write', { face: 'console' })
  withdraw(
    @Param('id', { schema: id }) versionId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(versionId, reasonForm, body, by, 'The proposal is withdrawn.', ({ reason }) =>
      this.proposals.withdraw(versionId, reason, by),
    );
  }

  @Post('matrices/:id/signatures/:signature/withdraw')
  @Permission('matrices:countersign', { face: 'console' })
  withdrawSignature(
    @Param('id', { schema: id }) versionId: string,
    @Param('signature', { schema: id }) signatureId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(versionId, reasonForm, body, by, 'Your side’s signature is withdrawn.', ({ reason }) =>
      this.attestations.withdraw(signatureId, reason, by),
    );
  }

  /** Mails a contact a link to sign, again or for the first time. */
  @Post('matrices/:id/invite')
  @Permission('matrices:write', { face: 'console' })
  @PerMinute(30)
  invite(
    @Param('id', { schema: id }) versionId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(versionId, inviteForm, body, by, 'A mail with a link to sign is on its way.', (filled) =>
      this.proposals.invite(versionId, filled.contact, by),
    );
  }

  @Post('matrices/:id/invitations/:invitation/withdraw')
  @Permission('matrices:write', { face: 'console' })
  withdrawInvitation(
    @Param('id', { schema: id }) versionId: string,
    @Param('invitation', { schema: id }) invitationId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(versionId, z.object({}), body, by, 'The invitation is withdrawn: its links end.', () =>
      this.invitations.withdraw(invitationId, by),
    );
  }

  /** The second person confirms a scan of signed paper. */
  @Post('matrices/:id/signatures/:signature/confirm')
  @Permission('matrices:countersign', { face: 'console' })
  confirm(
    @Param('id', { schema: id }) versionId: string,
    @Param('signature', { schema: id }) signatureId: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    return this.#act(versionId, z.object({}), body, by, 'Confirmed: the paper counts.', () =>
      this.offline.confirmPaper(signatureId, by),
    );
  }

  async #act<T>(
    versionId: Id,
    schema: z.ZodType<T>,
    body: unknown,
    by: Principal,
    done: string,
    act: (filled: T) => Promise<Result<unknown, Refusal>>,
  ): Promise<Answer> {
    const read = readForm(schema, body);
    const result: Result<unknown, Refusal> = read.ok
      ? await act(read.value)
      : err(refusal('invalid', 'form', Object.values(read.error).join(' ')));
    if (!result.ok) return this.#draw(versionId, by, undefined, result.error);
    return goes(`/matrices/${versionId}`, { tone: 'dead', text: done });
  }

  async #draw(versionId: Id, by: Principal, language?: unknown, refused?: Refusal): Promise<Answer> {
    const model = await this.#model(versionId, by);
    if (!model.ok) throw new Refused(model.error);
    const wanted = typeof language === 'string' && isTextLanguage(language) ? language : 'en';
    const status = refused
      ? refused.kind === 'conflict'
        ? 409
        : refused.kind === 'not_found'
          ? 404
          : 422
      : 200;
    return shows(
      (frame) => VersionPageView({ frame, ...model.value, language: wanted, problem: refused?.message }),
      status,
    );
  }

  /** Those that the reader may confirm. */
  async #papers(db: Db, versionId: Id, by: Principal): Promise<ReadonlySet<Id>> {
    const facts = await findVersion(db, versionId);
    return facts && by.partyId === null && may(by, 'matrices:countersign')
      ? this.offline.toConfirm(db, facts, by)
      : new Set();
  }

  async #model(versionId: Id, by: Principal) {
    const model = await this.transactions.run(by, async (db) => {
      const version = await versionView(db, versionId, this.clock.now());
      const head = version && (await headOf(db, version.integrationId));
      if (!version || !head) return undefined;
      const last = await lastSignedVersion(db, version.integrationId);
      const diff = last && last.id !== versionId ? await matrixDiff(db, last.id, versionId) : undefined;
      return {
        version,
        head,
        diff,
        least: await this.floor.least(db, version.integrationId),
        papers: await this.#papers(db, versionId, by),
        side: await actingParty(db, version.integrationId, by),
        ...(await choicesFor(db, version.integrationId)),
        versions: await versionsOf(db, version.integrationId),
      };
    });
    return model ? ok(model) : err(noVersion());
  }
}

async function headOf(
  db: Parameters<typeof versionView>[0],
  integrationId: Id,
): Promise<{ reference: string; name: string } | undefined> {
  const [row] = await db.query<{ reference: string; name: string }[]>(
    'SELECT reference, name FROM integration WHERE id = $1',
    [integrationId],
  );
  return row;
}

function noVersion(): Refusal {
  return refusal('not_found', 'not-found', 'There is no such version, or it is not yours to see.');
}
