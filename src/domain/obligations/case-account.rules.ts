import type { Millis } from '../../kernel/time.ts';

/** What is known of a case, as somebody outside may know it: names, states and times; no value, no place, no free text. */
export interface CaseFacts {
  reference: string;
  integrationName: string;
  /** Whoever is told knows it by this: a notice that they had before. */
  toldAs: string | null;
  occurredAt: Millis | null;
  knownAt: Millis | null;
  confirmedAt: Millis | null;
  containedAt: Millis | null;
  /** Of all that are exposed, the riskiest by name. */
  credentials: readonly { reference: string; label: string; environment: string; state: CredentialState }[];
  count: number;
  dead: number;
  copies: { total: number; gone: number };
  publiclyLeaked: boolean;
}
export type CredentialState = 'dead' | 'live' | 'revoked' | 'unknown';

/** The part of whoever is told: what is asked of them follows from it. */
export type ToldRole = 'supplier' | 'customer' | 'sub_processor' | 'authority' | 'insurer';

/**
 * What happened, since when it is known, which credentials by their references, how far it is contained, what is asked of
 * the reader: what a notice says before somebody writes on. In German for a German reader, else in English.
 */
export function caseAccount(
  facts: CaseFacts,
  role: ToldRole | null,
  language: string,
): { subject: string; paragraphs: string[] } {
  const de = language.toLowerCase().split('-')[0] === 'de';
  const w = de ? GERMAN : ENGLISH;
  const at = (time: Millis) => `${whenIn(de ? 'de' : 'en-GB', time)} UTC`;
  const named = facts.credentials.map(
    (one) => `- ${one.label} (${one.reference}, ${one.environment}): ${w.state[one.state]}`,
  );
  const more = facts.count - facts.credentials.length;
  if (more > 0) named.push(`- ${w.more(more)}`);
  const { total, gone } = facts.copies;
  return {
    subject: w.subject(facts.integrationName),
    paragraphs: [
      w.about(facts.reference, facts.integrationName, facts.toldAs),
      [
        facts.publiclyLeaked ? w.public(facts.integrationName) : w.happened(facts.integrationName),
        facts.knownAt === null ? w.knownNever : w.known(at(facts.knownAt)),
        ...(facts.confirmedAt === null ? [] : [w.confirmed(at(facts.confirmedAt))]),
        ...(facts.occurredAt === null ? [] : [w.occurred(at(facts.occurredAt))]),
      ].join(' '),
      facts.count === 0 ? w.noCredential : [w.credentials(facts.count), ...named].join('\n'),
      [
        facts.containedAt === null
          ? w.open(facts.dead, facts.count)
          : w.contained(at(facts.containedAt), facts.dead, facts.count),
        total === 0 ? w.noCopies : w.copies(gone, total),
      ].join(' '),
      w.asks[role ?? 'other'],
    ],
  };
}

function whenIn(locale: string, time: Millis): string {
  return new Intl.DateTimeFormat(locale, {
    day: 'numeric',
    month: 'long',
    year: 'numeric',
    hour: '2-digit',
    minute: '2-digit',
    hourCycle: 'h23',
    timeZone: 'UTC',
  })
    .format(time)
    .replace(/ (at|um) /, ', ');
}

interface Words {
  subject(name: string): string;
  about(reference: string, name: string, toldAs: string | null): string;
  happened(name: string): string;
  public(name: string): string;
  known(at: string): string;
  knownNever: string;
  confirmed(at: string): string;
  occurred(at: string): string;
  credentials(count: number): string;
  noCredential: string;
  more(count: number): string;
  state: Readonly<Record<CredentialState, string>>;
  open(dead: number, count: number): string;
  contained(at: string, dead: number, count: number): string;
  copies(gone: number, total: number): string;
  noCopies: string;
  asks: Readonly<Record<ToldRole | 'other', string>>;
}

const ENGLISH: Words = {
  subject: (name) => `How it stands with ${name}`,
  about: (reference, name, toldAs) =>
    `This is about ${reference}, ${name}${toldAs ? `, of which you were told as ${toldAs}` : ''}.`,
  happened: (name) => `Credentials of ${name} were exposed: somebody who should not have them may.`,
  public: (name) => `Credentials of ${name} were found where everybody can read them.`,
  known: (at) => `It was first known on ${at}.`,
  knownNever: 'Since when it is known is not on record yet.',
  confirmed: (at) => `It was confirmed on ${at}.`,
  occurred: (at) => `The exposure may have begun on ${at}.`,
  credentials: (count) => (count === 1 ? 'The credential concerned:' : `The ${count} credentials concerned:`),
  noCredential: 'Which credentials are concerned is not established yet.',
  more: (count) => `and ${count} more`,
  state: {
    dead: 'proven dead',
    live: 'still alive',
    revoked: 'revoked, not yet proven dead',
    unknown: 'whether it still works is not yet known',
  },
  open: (dead, count) =>
    count === 0
      ? 'It is not contained yet.'
      : `It is not contained yet: ${dead} of ${count} ${count === 1 ? 'is' : 'are'} proven dead.`,
  contained: (at, dead, count) => `It is contained since ${at}: ${dead} of ${count} proven dead.`,
  copies: (gone, total) => `Of ${total} known ${total === 1 ? 'copy' : 'copies'}, ${gone} proven gone.`,
  noCopies: 'No copy is on record.',
  asks: {
    supplier:
      'What we ask of you: revoke what is still alive, look in your logs for use that was not ours, and tell us what you find.',
    sub_processor:
      'What we ask of you: remove your copies, look in your logs for use that was not ours, and tell us what you find.',
    customer:
      'What we ask of you: use none of these credentials any more, put their replacements in place, and tell us of use that was not yours.',
    authority:
      'What we ask of you: confirm that this reached you, and name the file under which we complete it.',
    insurer: 'What we ask of you: confirm that this reached you, and name the number of the claim.',
    other: 'What we ask of you: confirm that this reached you.',
  },
};

const GERMAN: Words = {
  subject: (name) => `Stand der Dinge bei ${name}`,
  about: (reference, name, toldAs) =>
    `Es geht um ${reference}, ${name}${toldAs ? `, Ihnen mitgeteilt als ${toldAs}` : ''}.`,
  happened: (name) =>
    `Zugangsdaten von ${name} wurden offengelegt: Unbefugte können in ihren Besitz gekommen sein.`,
  public: (name) => `Zugangsdaten von ${name} wurden gefunden, wo alle sie lesen können.`,
  known: (at) => `Bekannt ist es seit dem ${at}.`,
  knownNever: 'Seit wann es bekannt ist, steht noch nicht fest.',
  confirmed: (at) => `Bestätigt wurde es am ${at}.`,
  occurred: (at) => `Die Offenlegung kann am ${at} begonnen haben.`,
  credentials: (count) =>
    count === 1 ? 'Betroffen sind diese Zugangsdaten:' : `Betroffen sind ${count} Zugangsdaten:`,
  noCredential: 'Welche Zugangsdaten betroffen sind, steht noch nicht fest.',
  more: (count) => `und ${count} weitere`,
  state: {
    dead: 'nachgewiesen unwirksam',
    live: 'noch wirksam',
    revoked: 'widerrufen, noch nicht nachgewiesen',
    unknown: 'noch nicht bekannt, ob sie noch wirksam sind',
  },
  open: (dead, count) =>
    count === 0
      ? 'Es ist noch nicht eingedämmt.'
      : `Es ist noch nicht eingedämmt: ${dead} von ${count} nachgewiesen unwirksam.`,
  contained: (at, dead, count) =>
    `Es ist eingedämmt seit dem ${at}: ${dead} von ${count} nachgewiesen unwirksam.`,
  copies: (gone, total) => `Bekannte Kopien: ${total}, davon nachgewiesen beseitigt: ${gone}.`,
  noCopies: 'Kopien sind keine verzeichnet.',
  asks: {
    supplier:
      'Worum wir Sie bitten: Widerrufen Sie, was noch wirksam ist, suchen Sie in Ihren Protokollen nach Zugriffen, die nicht unsere waren, und sagen Sie uns, was Sie finden.',
    sub_processor:
      'Worum wir Sie bitten: Beseitigen Sie Ihre Kopien, suchen Sie in Ihren Protokollen nach Zugriffen, die nicht unsere waren, und sagen Sie uns, was Sie finden.',
    customer:
      'Worum wir Sie bitten: Verwenden Sie diese Zugangsdaten nicht mehr, setzen Sie ihren Ersatz ein, und melden Sie uns Zugriffe, die nicht Ihre waren.',
    authority:
      'Worum wir Sie bitten: Bestätigen Sie den Empfang und nennen Sie das Aktenzeichen, unter dem wir ergänzen.',
    insurer: 'Worum wir Sie bitten: Bestätigen Sie den Empfang und nennen Sie die Schadennummer.',
    other: 'Worum wir Sie bitten: Bestätigen Sie den Empfang.',
  },
};
