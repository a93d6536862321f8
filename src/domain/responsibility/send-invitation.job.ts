import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { ELAPSED_DAY, iso } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { PublicUrl } from '../../platform/config/public-url.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Mailer } from '../../platform/mail/mailer.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { LinksService } from '../access/links.service.ts';
import { AlertsService } from '../notices/alerts.service.ts';
import type { RenderedNotice } from '../notices/notice-templates.ts';
import { NoticeTexts } from '../notices/notice-texts.service.ts';
import { readsIn } from '../parties/contact-language.ts';
import { changeWords } from './change-words.rules.ts';
import { findVersion, partiesIn, type VersionFacts } from './matrix-facts.queries.ts';
import type { Duty } from './matrix.rules.ts';
import { dutyName, textLanguageOf } from './matrix-text.rules.ts';
import { sendInvitation } from './send-invitation.definition.ts';
import type { InvitationPurpose } from './signatures.service.ts';
import { ATTEST, CONFIRM } from './signing-links.service.ts';

/** How long a link to sign works. */
const LINK_LIFE = 14 * ELAPSED_DAY;

/** Whether somebody of the same party was asked to sign this version already. */
async function askedBefore(db: Db, owed: Owed): Promise<boolean> {
  const rows = await db.query<unknown[]>(
    `SELECT 1 FROM matrix_invitation n JOIN matrix_invitation own ON own.id = $1
      WHERE n.matrix_version_id = own.matrix_version_id AND n.party_id = own.party_id AND n.purpose = 'attest' AND n.id <> own.id
        AND (n.created_at, n.id) < (own.created_at, own.id) LIMIT 1`,
    [owed.id],
  );
  return rows.length > 0;
}

interface Owed {
  id: Id;
  versionId: Id;
  partyId: Id;
  contactId: Id;
  purpose: InvitationPurpose;
  mail: string;
  withdrawn: boolean;
  email: string | null;
  language: string;
  contactName: string;
  partyName: string;
  integrationName: string;
  reference: string;
}

type Prepared = { owed: Owed; mail: RenderedNotice } | { owed?: undefined; why: string };

/** Sends one mail about a matrix. The link is made anew for each attempt, since only its hash is kept. */
@JobHandler(sendInvitation)
export class SendInvitationJob implements Handler<{ invitationId: string }> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly links: LinksService,
    private readonly mailer: Mailer,
    private readonly texts: NoticeTexts,
    private readonly publicUrl: PublicUrl,
    private readonly alerts: AlertsService,
  ) {}

  async handle({ invitationId }: { invitationId: string }, call: JobCall): Promise<void> {
    const prepared = await this.transactions.run(call.by, (db) => this.#prepare(db, invitationId));
    if (!prepared.owed) return;
    const { owed, mail } = prepared;
    const answer = await this.mailer.send(
      { messageId: `${owed.id}@countersign`, to: owed.email ?? '', language: owed.language, ...mail },
      call.signal,
    );
    await this.#record(owed, answer, call.by);
    // Sent and never answered may have arrived: once more under the same id does no harm.
    if (answer.outcome === 'retry' || answer.outcome === 'unknown')
      throw new Error(`the mail was not handed over: ${answer.peerAnswer.slice(0, 200)}`);
  }

  async #prepare(db: Db, id: Id): Promise<Prepared> {
    const [owed] = await db.query<Owed[]>(
      `SELECT n.id, n.matrix_version_id AS "versionId", n.party_id AS "partyId", n.contact_id AS "contactId", n.purpose, n.mail, n.withdrawn_at IS NOT NULL AS withdrawn, k.email, ${readsIn('k')} AS language,
              k.name AS "contactName", p.name AS "partyName", i.name AS "integrationName", i.reference
         FROM matrix_invitation n JOIN contact k ON k.id = n.contact_id JOIN party p ON p.id = n.party_id JOIN integration i ON i.id = n.integration_id
        WHERE n.id = $1 FOR UPDATE OF n`,
      [id],
    );
    if (!owed || owed.mail === 'accepted' || owed.withdrawn) return { why: 'done' };
    const version = (await findVersion(db, owed.versionId))!;
    if (owed.purpose === 'attest' && !['proposed', 'countersigned', 'expired'].includes(version.state)) {
      await db.query(
        `UPDATE matrix_invitation SET mail = 'failed', peer_answer = 'not sent: the version is no longer to be signed' WHERE id = $1`,
        [id],
      );
      return { why: 'no longer current' };
    }
    await db.query(
      `UPDATE matrix_invitation SET mail = 'attempting', attempts = attempts + 1 WHERE id = $1`,
      [id],
    );
    return { owed, mail: await this.#compose(db, owed, version) };
  }

  async #compose(db: Db, owed: Owed, version: VersionFacts): Promise<RenderedNotice> {
    const facts = {
      contactName: owed.contactName,
      partyName: owed.partyName,
      integrationName: owed.integrationName,
      integrationReference: owed.reference,
      number: version.number,
      contentHash: version.contentHash,
    };
    const mail = (category: string, more: Record<string, unknown>) =>
      this.texts.mail(
        db,
        category,
        owed.language,
        { ...facts, ...more },
        {
          integrationId: version.integrationId,
          partyId: owed.partyId,
        },
      );
    const language = textLanguageOf(owed.language);
    if (owed.purpose === 'changed') {
      const names = new Map((await partiesIn(db, version.integrationId)).map((one) => [one.id, one.name]));
      const changes = (version.fellBecause ?? []).map((change) =>
        changeWords(change, { party: (id) => names.get(id), credential: () => undefined }, language),
      );
      return mail('matrix-changed', { changes, state: version.state });
    }
    const expiresAt = this.clock.now() + LINK_LIFE;
    const { value } = await this.links.createLink(db, {
      purpose: owed.purpose === 'attest' ? ATTEST : CONFIRM,
      subject: { kind: 'matrix_version', id: owed.versionId },
      permissions: ['matrices:countersign'],
      partyId: owed.partyId,
      contactId: owed.contactId,
      expiresAt,
    });
    const link = value.use(
      (text) => `${this.publicUrl.get()}/${owed.purpose === 'attest' ? 'm' : 'mc'}/${text}`,
    );
    if (owed.purpose === 'attest') {
      return mail('matrix-proposed', {
        link,
        linkExpiresAt: iso(expiresAt),
        renewal: version.state !== 'proposed',
        reminder: await askedBefore(db, owed),
      });
    }
    const rows = await db.query<{ duty: Duty }[]>(
      'SELECT DISTINCT duty FROM matrix_row WHERE matrix_version_id = $1 AND contact_id = $2 ORDER BY duty',
      [version.id, owed.contactId],
    );
    return mail('matrix-contact', {
      link,
      linkExpiresAt: iso(expiresAt),
      duties: rows.map(({ duty }) => dutyName(duty, language)),
    });
  }

  async #record(owed: Owed, answer: { outcome: string; peerAnswer: string }, by: Principal): Promise<void> {
    const now = this.clock.now();
    await this.transactions.run(by, async (db) => {
      const state = { accepted: 'accepted', refused: 'failed' }[answer.outcome] ?? 'attempting';
      await db.query(
        `UPDATE matrix_invitation SET mail = $2, peer_answer = $3, sent_at = CASE WHEN $2 = 'accepted' THEN $4::timestamptz ELSE sent_at END WHERE id = $1`,
        [owed.id, state, answer.peerAnswer.slice(0, 500), iso(now)],
      );
      if (state !== 'failed') return;
      await this.alerts.raise(db, {
        kind: 'matrix.mail-refused',
        severity: 'warning',
        message: `A mail about the matrix of ${owed.reference} was refused by its server. Give the party another contact, then invite again.`,
        dedupeKey: `matrix.mail-refused:${owed.contactId}`,
        subject: { kind: 'contact', id: owed.contactId },
        at: now,
      });
    });
  }
}
