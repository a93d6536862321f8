import { refusal, type Refusal } from '../../kernel/errors.ts';

/** How sure one is that it was the recipient; from the weakest to the strongest. */
export type Strength = 'mailbox' | 'second_channel' | 'account_mfa' | 'detached_signature';

/** What a person does to acknowledge: reads, types their name and the code that came with the message. */
export interface TypedAcknowledgement {
  /** Personal data, kept beside the ledger and not in it. */
  name: string;
  code: string;
  /** Of the text that the person was shown: another text is refused, since it was not what they read. */
  textHash: string;
  /** What they will do next; without one the acknowledgement does not last. */
  nextAction?: string | undefined;
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
