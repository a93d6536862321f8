import { canonicalJson } from '../../kernel/canonical-json.ts';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import type { Id } from '../../kernel/ids.ts';
import { STRENGTHS, type Strength } from '../agreements/term.rules.ts';

export { STRENGTHS, type Strength };

/** What a strength takes, as one says it to whoever is to give it. */
export const STRENGTH_WORDS: Readonly<Record<Strength, string>> = {
  mailbox: 'the code of the message',
  second_channel: 'a code by a second channel, or read back to us by phone',
  account_mfa: 'an account of yours here',
  detached_signature: 'a signature with a key of your own',
};

/** Whether an acknowledgement ends the duty, or is only on record. */
export function isEnough(strength: Strength, least: Strength): boolean {
  return STRENGTHS.indexOf(strength) >= STRENGTHS.indexOf(least);
}

/** Of what an agreement and a policy ask for, the stronger. */
export function strongest(one: Strength, other: Strength): Strength {
  return isEnough(one, other) ? one : other;
}

/** By what somebody showed who they are. */
export interface Proof {
  strength: Strength;
  /** The second channel, where it came by one. */
  channel: string | null;
  signed: { keyId: Id; signature: string } | null;
}

/**
 * What a code of the message is a proof of: of the mailbox alone; or of the account as well that it was given with, by
 * somebody who signed in (password and mailbox are two factors), or by a token of it (which is another channel than the
 * message, and says of no second factor).
 */
export type PlainStrength = 'mailbox' | 'second_channel' | 'account_mfa';

export function plainProof(strength: PlainStrength): Proof {
  return { strength, channel: strength === 'second_channel' ? 'api' : null, signed: null };
}

/** The bytes that a recipient signs elsewhere: that this party has read this text. Canonical JSON (RFC 8785). */
export function acknowledgementDocument(notice: {
  id: Id;
  reference: string;
  partyId: Id;
  textHash: string;
}): string {
  const { id, reference, partyId, textHash } = notice;
  return canonicalJson({
    format: 'countersign-acknowledgement-1',
    noticeId: id,
    reference,
    partyId,
    textHash,
  });
}

/** What a person does to acknowledge: reads, types their name and the code that came with the message. */
export interface TypedAcknowledgement {
  /** Personal data, kept beside the ledger and not in it. */
  name: string;
  code: string;
  /** Of the text that the person was shown: another text is refused, since it was not what they read. */
  textHash: string;
  /** What they will do next; without one the acknowledgement does not last. */
  nextAction?: string | undefined;
  /** Of the code that went out by a second channel. */
  secondCode?: string | undefined;
  /** Over the document, in base64 or as `ssh-keygen -Y sign` writes it. */
  signature?: string | undefined;
}

/** What is wrong with what was typed; undefined: nothing. */
export function problemOf(
  typed: TypedAcknowledgement,
  notice: { textHash: string },
  codeFits: boolean,
): Refusal | undefined {
  const name = oneLined(typed.name);
  const fields = [];
  if (name.length < 2 || name.length > 120)
    fields.push({
      field: 'name',
      problem: 'must have 2 to 120 characters',
      mend: 'Type your first and last name.',
    });
  if (!codeFits)
    fields.push({
      field: 'code',
      problem: 'is not the code of this message',
      mend: 'Type the six digits that stand in the message, beside its link.',
    });
  const [first] = fields;
  if (first)
    return refusal('invalid', first.field === 'name' ? 'name-needed' : 'code-needed', first.mend, { fields });
  if (typed.textHash !== notice.textHash)
    return refusal(
      'conflict',
      'text-changed',
      'The notice has changed since you opened it. Read it again, then confirm.',
    );
  return undefined;
}

export function oneLined(text: string): string {
  return text
    .normalize('NFC')
    .toWellFormed()
    .replace(/\p{Cc}+/gu, ' ')
    .trim();
}

export const NEXT_ACTION_NEEDED = refusal(
  'invalid',
  'next-action-needed',
  'Say in a few words what happens next.',
  {
    fields: [
      {
        field: 'next',
        problem: 'must have 3 to 500 characters',
        mend: 'Say in a few words what happens next.',
      },
    ],
  },
);
