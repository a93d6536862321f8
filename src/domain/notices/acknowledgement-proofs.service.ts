import { createHmac, randomInt, timingSafeEqual } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { isDetachedSignature } from '../../kernel/detached-signature.ts';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { newId, type Id } from '../../kernel/ids.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { HOUR, iso, MINUTE, SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { Vault } from '../../platform/vault/vault.ts';
import { addressBinding } from '../parties/contact-reach.service.ts';
import { keysFor, otherWays, type OtherWay } from './acknowledgement.queries.ts';
import {
  acknowledgementDocument,
  plainProof,
  type PlainStrength,
  type Proof,
  type TypedAcknowledgement,
} from './acknowledgement.rules.ts';
import type { Channel } from './channel.ts';
import { CHANNELS } from './delivery.service.ts';
import { NoticeTexts } from './notice-texts.service.ts';

const CODE_LIFE = 15 * MINUTE;
const MOST_WRONG = 5;
const MOST_AN_HOUR = 5;
const SEND_TIMEOUT = 20 * SECOND;

/** Of the notice that is answered, what a proof is about. */
export interface ProvenNotice {
  id: Id;
  reference: string;
  partyId: Id;
  language: string;
  textHash: string;
}

/** What somebody can do beside typing the code of the message. */
export interface StrongerWays {
  /** Channels by which a code may go out to this contact: keys, with the word for each. */
  channels: { key: string; title: string }[];
  /** The channel that the newest code went out by, while it is good. */
  codeBy: string | null;
  /** Whether a key of theirs was registered before the notice was owed. */
  hasKey: boolean;
}

/**
 * What makes an acknowledgement stronger than the code in one mailbox: a code that went out by a second channel, and a
 * signature with a key of the recipient's own. Eight digits, good once, for a quarter of an hour, for one contact and one
 * notice; five wrong ones end a code (NIST SP 800-63B-4 section 3.1.3 asks for short life and throttling).
 */
@Injectable()
export class AcknowledgementProofs {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly keys: Keys,
    private readonly vault: Vault,
    private readonly texts: NoticeTexts,
    @Inject(CHANNELS) private readonly channels: readonly Channel[],
  ) {}

  /** @param db of the installation: it alone knows who registered a key */
  async waysOf(db: Db, noticeId: Id, contactId: Id): Promise<StrongerWays> {
    const now = iso(this.clock.now());
    const ways = await otherWays(db, noticeId, contactId, now);
    const [code] = await db.query<{ channel: string }[]>(
      `SELECT channel FROM acknowledgement_code
        WHERE notice_id = $1 AND contact_id = $2 AND used_at IS NULL AND expires_at > $3 AND wrong < $4
        ORDER BY created_at DESC LIMIT 1`,
      [noticeId, contactId, now, MOST_WRONG],
    );
    const keys = await keysFor(db, [contactId], noticeId);
    return {
      channels: this.#readable(ways).map(({ key, title }) => ({ key, title })),
      codeBy: code ? this.#title(code.channel) : null,
      hasKey: keys.length > 0,
    };
  }

  /** Sends a code by a second channel; the ones before it end. The value is in that message and nowhere else. */
  async sendCode(
    notice: ProvenNotice,
    contactId: Id,
    channelKey: string,
    by: Principal,
  ): Promise<Result<{ channel: string }, Refusal>> {
    const now = this.clock.now();
    const id = newId();
    const code = String(randomInt(100_000_000)).padStart(8, '0');
    const prepared = await this.transactions.run(by, async (db): Promise<Result<OtherWay, Refusal>> => {
      // Who asks twice at once waits here: the limit counts both.
      await db.query('SELECT FROM contact WHERE id = $1 FOR UPDATE', [contactId]);
      const way = (await otherWays(db, notice.id, contactId, iso(now))).find(
        (one) => one.channel === channelKey && this.#readable([one]).length > 0,
      );
      if (!way)
        return err(
          refusal('invalid', 'no-second-channel', 'There is no such second channel to you.', {
            fields: [
              {
                field: 'channel',
                problem: 'is not another way to you than the one that the message came by',
                mend: 'Choose one of the ways of the page, or call your contact at the sender.',
              },
            ],
          }),
        );
      const [{ n }] = await db.query<[{ n: number }]>(
        'SELECT count(*)::int AS n FROM acknowledgement_code WHERE notice_id = $1 AND contact_id = $2 AND created_at > $3',
        [notice.id, contactId, iso(now - HOUR)],
      );
      if (n >= MOST_AN_HOUR)
        return err(
          refusal('too_many', 'too-many-codes', 'Too many codes were asked for; ask again in an hour.', {
            retryAfter: HOUR,
          }),
        );
      await db.query(
        'UPDATE acknowledgement_code SET expires_at = $3 WHERE notice_id = $1 AND contact_id = $2 AND expires_at > $3',
        [notice.id, contactId, iso(now)],
      );
      await db.query(
        `INSERT INTO acknowledgement_code (id, notice_id, party_id, contact_id, channel, code_hash, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
        [
          id,
          notice.id,
          notice.partyId,
          contactId,
          channelKey,
          this.#hash(id, code),
          iso(now),
          iso(now + CODE_LIFE),
        ],
      );
      return ok(way);
    });
    if (!prepared.ok) return prepared;
    const { address, sealed } = prepared.value;
    const to = sealed
      ? (
          await this.transactions.run(by, (db) => this.vault.get(db, sealed.ref, addressBinding(sealed.id)))
        ).use((whole) => whole)
      : address;
    const facts = { reference: notice.reference, code, minutes: CODE_LIFE / MINUTE };
    // What wrote it is the operator's own, and no link reads that.
    const message = await this.transactions.run(system('acknowledgement', notice.id), async (db) => {
      const [of] = await db.query<[{ integrationId: Id }]>(
        'SELECT integration_id AS "integrationId" FROM notice WHERE id = $1',
        [notice.id],
      );
      const { partyId, language } = notice;
      return this.texts.mail(db, 'acknowledgement-code', language, facts, { ...of, partyId });
    });
    const answer = await this.channels
      .find(({ key }) => key === channelKey)!
      .send(
        {
          messageId: `${id}@codes.countersign`,
          to,
          partyId: notice.partyId,
          language: notice.language,
          ...message,
        },
        { signal: AbortSignal.timeout(SEND_TIMEOUT), now: () => this.clock.now() },
      );
    if (answer.outcome === 'accepted' || answer.outcome === 'unknown')
      return ok({ channel: this.#title(channelKey) });
    return err(
      refusal('unavailable', 'code-not-sent', 'The code could not be handed over. Try again in a minute.', {
        retryAfter: MINUTE,
      }),
    );
  }

  /**
   * How strong an acknowledgement is by what was typed with it. A signature or a second code that is wrong is refused: who
   * gives one means to.
   *
   * @param contactIds whose keys and codes count
   */
  async proofOf(
    notice: ProvenNotice,
    contactIds: readonly Id[],
    typed: TypedAcknowledgement,
    plain: PlainStrength,
  ): Promise<Result<Proof, Refusal>> {
    const signature = typed.signature?.trim() ?? '';
    if (signature !== '') {
      const document = acknowledgementDocument(notice);
      const keys = await this.transactions.run(system('acknowledgement', notice.id), (db) =>
        keysFor(db, contactIds, notice.id),
      );
      const key = keys.find(({ publicKey }) => isDetachedSignature(publicKey, document, signature));
      return key
        ? ok({ strength: 'detached_signature', channel: null, signed: { keyId: key.id, signature } })
        : err(signatureRefused(keys.length > 0));
    }
    const code = typed.secondCode?.replaceAll(/[\s-]/g, '') ?? '';
    if (code === '') return ok(plainProof(plain));
    const channel = await this.#use(notice.id, contactIds, code);
    if (!channel.ok) return channel;
    return ok(plain === 'account_mfa' ? plainProof(plain) : { ...BY_SECOND_CHANNEL, channel: channel.value });
  }

  /** In a transaction of its own: that a wrong code was tried survives the refusal. */
  #use(noticeId: Id, contactIds: readonly Id[], code: string): Promise<Result<string, Refusal>> {
    const now = iso(this.clock.now());
    return this.transactions.run(system('acknowledgement', noticeId), async (db) => {
      const [row] = await db.query<{ id: Id; channel: string; hash: Buffer; wrong: number }[]>(
        `SELECT id, channel, code_hash AS hash, wrong FROM acknowledgement_code
          WHERE notice_id = $1 AND contact_id = ANY ($2) AND used_at IS NULL AND expires_at > $3
          ORDER BY created_at DESC LIMIT 1 FOR UPDATE`,
        [noticeId, contactIds, now],
      );
      if (!row || row.wrong >= MOST_WRONG)
        return err(
          codeRefused('has ended, or was never asked for', 'Ask for a new code, and use the newest.'),
        );
      if (!timingSafeEqual(row.hash, this.#hash(row.id, code))) {
        await db.query('UPDATE acknowledgement_code SET wrong = wrong + 1 WHERE id = $1', [row.id]);
        return err(
          codeRefused('is not the one that was sent', 'Type the eight digits of the newest message.'),
        );
      }
      await db.query('UPDATE acknowledgement_code SET used_at = $2 WHERE id = $1', [row.id, now]);
      return ok(row.channel);
    });
  }

  #readable(ways: readonly OtherWay[]): Channel[] {
    return this.channels.filter(
      (channel) =>
        !channel.readByMachines &&
        ways.some((way) => way.channel === channel.key && (way.sealed || channel.accepts(way.address))),
    );
  }

  #title(channelKey: string): string {
    return this.channels.find(({ key }) => key === channelKey)?.title ?? channelKey;
  }

  #hash(id: Id, code: string): Buffer {
    return this.keys
      .linkKey()
      .useBytes((key) =>
        createHmac('sha256', key).update(`countersign second channel code v1\0${id}\0${code}`).digest(),
      );
  }
}

const BY_SECOND_CHANNEL = { strength: 'second_channel', signed: null } as const;

function codeRefused(problem: string, mend: string): Refusal {
  return refusal('invalid', 'second-code-refused', mend, {
    fields: [{ field: 'secondCode', problem, mend }],
  });
}

function signatureRefused(hasKeys: boolean): Refusal {
  const [problem, mend] = hasKeys
    ? ['does not verify over the document', 'Download the document anew, and sign exactly its bytes.']
    : [
        'is of no key that was registered before this notice',
        'Answer in another way, and have your key registered for the next one.',
      ];
  return refusal('invalid', 'signature-refused', mend, { fields: [{ field: 'signature', problem, mend }] });
}
