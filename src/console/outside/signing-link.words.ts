import { WAYS_TO_SIGN, type Strength } from '../../domain/responsibility/attestation.rules.ts';
import { textLanguageOf, type TextLanguage } from '../../domain/responsibility/matrix-text.rules.ts';

/** What the pages behind the links of a matrix say around it, in the language in which it is read. */
export interface SigningWords {
  language: TextLanguage;
  title(integration: string): string;
  version: string;
  /** Around the name of the party. */
  lead: readonly [(contact: string) => string, string];
  signed: string;
  /** Before the time. */
  signedFor(party: string, by: string): string;
  stillToSign(parties: string): string;
  everySide: string;
  used: string;
  stronger: string;
  strongerHow: string;
  ways: Readonly<Record<Strength, string>>;
  changes: string;
  columns: readonly [string, string, string, string];
  caption: string;
  terms: string;
  termsHash: string;
  sign: string;
  askCode: string;
  codeSent(to: string): string;
  codeFirst(to: string): string;
  mailCode: string;
  mailAnother: string;
  signForm: string;
  code: string;
  codeHint: string;
  name: string;
  nameHint(contact: string): string;
  signFor(party: string): string;
  back: string;
  askCodeBack: string;
  backForm: string;
  about: string;
  whole: string;
  different: string;
  codeBack: string;
  codeBackHint: string;
  sendBack: string;
  beside: string;
  review: string;
  noReview: string;
  exceptions: string;
  noExceptions: string;
  until(rule: string, day: string): string;
  exactly: readonly [string, string];
  asked: string;
  /** Each with what is set in bold before it. */
  steps(to: string): readonly (readonly [string, string])[];
  asks: string;
  operator: string;
  byWhen: string;
  thenEnds: string;
  means: string;
  meaning(party: string): string;
  howLong: string;
  days(count: number): string;
  notDone: string;
  nothing: string;
  confirm: {
    title(integration: string): string;
    lead(contact: string, party: string): string;
    confirmed: string;
    thanks: string;
    text: string;
    button: string;
    form: string;
  };
  bad: Readonly<Record<'ended' | 'unknown' | 'sent-back', string>>;
  sentBack: string;
  canDo: string;
  mends: readonly string[];
  problems: { notOurs: string; name: string; code: string; comment: string };
  /** By the code of a refusal, where the reader's language is not that of its message. */
  refusals: Readonly<Record<string, string>>;
}

const ENGLISH: SigningWords = {
  language: 'en',
  title: (integration) => `Who answers for what: ${integration}`,
  version: 'version',
  lead: [
    (contact) => `${contact}, you are asked to sign for `,
    ': which side answers for which duty when a credential of this integration is issued, kept, replaced or leaked.',
  ],
  signed: 'signed',
  signedFor: (party, by) => `for ${party} by ${by}`,
  stillToSign: (parties) => `Still to sign: ${parties}. Nothing more is needed from you.`,
  everySide: 'Every side has signed: it is in force.',
  used: 'This link was used, and what was signed with it stands no longer: the matrix was changed since. When you are asked to sign anew, a new mail comes.',
  stronger:
    'A link and a code to the same mailbox are one factor, and the policy of this integration asks for more. Read the text here, then sign in one of these ways:',
  strongerHow: 'Answer the mail to be given an account, or the document to sign with your key or on paper.',
  ways: Object.fromEntries(WAYS_TO_SIGN.map(({ strength, words }) => [strength, words])) as Record<
    Strength,
    string
  >,
  changes: 'What is new since both sides last signed',
  columns: ['Duty', 'What', 'Signed', 'Now'],
  caption: 'What is new',
  terms: 'The terms that you sign with it',
  termsHash: 'Its hash stands in the text above: SHA-256',
  sign: 'Sign',
  askCode: 'Ask for a code',
  codeSent: (to) => `A code is on its way to ${to}. It is good for 15 minutes.`,
  codeFirst: (to) => `First, have a code mailed to ${to}.`,
  mailCode: 'Mail me a code',
  mailAnother: 'Mail me another code',
  signForm: 'Sign the matrix',
  code: 'Code',
  codeHint: 'Eight digits from the mail.',
  name: 'Your name and position',
  nameHint: (contact) => `For example: ${contact}, head of security. It stands under the matrix.`,
  signFor: (party) => `Sign for ${party}`,
  back: 'I do not agree: send it back',
  askCodeBack: 'Ask for a code to send it back',
  backForm: 'Send it back',
  about: 'About',
  whole: 'the whole',
  different: 'What should be different',
  codeBack: 'Code to send it back',
  codeBackHint: 'Eight digits from the mail: it shows that it is you who sends it back.',
  sendBack: 'Send back',
  beside: 'Beside the matrix',
  review: 'next review of the agreement',
  noReview: 'none is agreed',
  exceptions: 'let pass for a time',
  noExceptions: 'nothing: no rule has an exception',
  until: (rule, day) => `${rule}, until ${day}`,
  exactly: ['What is signed is exactly this text, SHA-256', 'of the content'],
  asked: 'What you are asked to do',
  steps: (to) => [
    [
      'Read',
      ' the text below: duty by duty, which party answers for it, who performs it and within what time.',
    ],
    [
      'Have a code mailed',
      ` to your registered mailbox, ${to}. It shows that you are the one who was asked.`,
    ],
    [
      'Sign',
      ' with your name, your position and the code. If something is wrong, send it back with what should be different.',
    ],
  ],
  asks: 'who asks',
  operator: 'the operator of this installation',
  byWhen: 'by when',
  thenEnds: '; then this link ends',
  means: 'what signing means',
  meaning: (party) =>
    `You say for ${party} that it answers for the duties that name it, within the times that stand there. It is in force when every side has signed the same text.`,
  howLong: 'for how long',
  days: (count) =>
    `For ${count === 365 ? 'a year' : `${count} days`}, or until the text is changed: then you are asked anew.`,
  notDone: 'what it does not do',
  nothing: 'Opening this page, or asking for a code, signs nothing.',
  confirm: {
    title: (integration) => `Contact for ${integration}`,
    lead: (contact, party) => `${contact}, you were named as the contact of ${party} for these duties:`,
    confirmed: 'confirmed',
    thanks: 'Thank you. Nothing more is needed here.',
    text: 'Confirm that you can be reached for them. If you are not the one, answer the mail.',
    button: 'I am the contact',
    form: 'Confirm',
  },
  bad: { ended: 'This link has ended', unknown: 'This link opens nothing', 'sent-back': 'Sent back' },
  sentBack: 'Your comment is with the other side. You will get a new mail when there is a new version.',
  canDo: 'What you can do',
  mends: [
    'Open the link again from the newest mail; some mail programs cut long links in two.',
    'If the page stayed open for more than an hour, open the link in the mail once more.',
    'Else answer the mail: a person at the sender can send you a new link.',
  ],
  problems: {
    notOurs: 'The form was not sent from this page. Read the matrix, then try once more.',
    name: 'Type your name and position: they stand under the matrix.',
    code: 'Ask for a code, and type it here: it is in your mailbox.',
    comment: 'Say what should be different.',
  },
  refusals: {},
};

const GERMAN: SigningWords = {
  language: 'de',
  title: (integration) => `Wer wofür einsteht: ${integration}`,
  version: 'Version',
  lead: [
    (contact) => `${contact}, Sie werden um Ihre Unterschrift gebeten für `,
    ': welche Seite für welche Pflicht einsteht, wenn Zugangsdaten dieser Integration ausgestellt, aufbewahrt, ersetzt oder offengelegt werden.',
  ],
  signed: 'unterschrieben',
  signedFor: (party, by) => `für ${party} von ${by}`,
  stillToSign: (parties) => `Noch zu unterschreiben haben: ${parties}. Von Ihnen wird nichts mehr gebraucht.`,
  everySide: 'Alle Seiten haben unterschrieben: Sie gilt.',
  used: 'Dieser Link wurde benutzt, und was damit unterschrieben wurde, gilt nicht mehr: Die Matrix wurde seitdem geändert. Werden Sie erneut um Ihre Unterschrift gebeten, kommt eine neue E-Mail.',
  stronger:
    'Ein Link und ein Code an dasselbe Postfach sind ein einziger Nachweis, und die Richtlinie dieser Integration verlangt mehr. Lesen Sie den Text hier, und unterschreiben Sie auf einem dieser Wege:',
  strongerHow:
    'Antworten Sie auf die E-Mail, um ein Konto zu erhalten oder das Dokument, das Sie mit Ihrem Schlüssel oder auf Papier unterschreiben.',
  ways: {
    mailbox: 'mit dem Link und dem Code einer E-Mail',
    second_channel: 'auf Papier, was eine zweite Person des Betreibers bestätigt',
    account_mfa: 'angemeldet mit einem Konto, mit einem Code aus dessen Postfach',
    detached_signature: 'mit einem eigenen Schlüssel, der vor der Vorlage dieser Version hinterlegt wurde',
  },
  changes: 'Was neu ist, seit beide Seiten zuletzt unterschrieben haben',
  columns: ['Pflicht', 'Was', 'Unterschrieben', 'Jetzt'],
  caption: 'Was neu ist',
  terms: 'Die Bedingungen, die Sie mit unterschreiben',
  termsHash: 'Ihr Hash steht im Text oben: SHA-256',
  sign: 'Unterschreiben',
  askCode: 'Einen Code anfordern',
  codeSent: (to) => `Ein Code ist unterwegs an ${to}. Er gilt 15 Minuten lang.`,
  codeFirst: (to) => `Lassen Sie sich zuerst einen Code an ${to} senden.`,
  mailCode: 'Code senden',
  mailAnother: 'Noch einen Code senden',
  signForm: 'Die Matrix unterschreiben',
  code: 'Code',
  codeHint: 'Acht Ziffern aus der E-Mail.',
  name: 'Ihr Name und Ihre Funktion',
  nameHint: (contact) => `Zum Beispiel: ${contact}, Leitung Sicherheit. Beides steht unter der Matrix.`,
  signFor: (party) => `Für ${party} unterschreiben`,
  back: 'Ich bin nicht einverstanden: zurückgeben',
  askCodeBack: 'Einen Code anfordern, um sie zurückzugeben',
  backForm: 'Zurückgeben',
  about: 'Betrifft',
  whole: 'das Ganze',
  different: 'Was anders sein soll',
  codeBack: 'Code, um sie zurückzugeben',
  codeBackHint: 'Acht Ziffern aus der E-Mail: Sie zeigen, dass Sie es sind.',
  sendBack: 'Zurückgeben',
  beside: 'Neben der Matrix',
  review: 'nächste Prüfung der Vereinbarung',
  noReview: 'keine vereinbart',
  exceptions: 'für eine Zeit zugelassen',
  noExceptions: 'nichts: Keine Regel hat eine Ausnahme',
  until: (rule, day) => `${rule}, bis ${day}`,
  exactly: ['Unterschrieben wird genau dieser Text, SHA-256', 'mit dem Inhalt'],
  asked: 'Worum Sie gebeten werden',
  steps: (to) => [
    [
      'Lesen Sie',
      ' den Text unten: Pflicht für Pflicht, welche Partei dafür einsteht, wer sie ausführt und in welcher Zeit.',
    ],
    [
      'Fordern Sie einen Code an',
      `, der an Ihr hinterlegtes Postfach geht, ${to}. Er zeigt, dass Sie die gefragte Person sind.`,
    ],
    [
      'Unterschreiben Sie',
      ' mit Ihrem Namen, Ihrer Funktion und dem Code. Ist etwas falsch, geben Sie sie zurück, und sagen Sie, was anders sein soll.',
    ],
  ],
  asks: 'wer bittet',
  operator: 'der Betreiber dieser Installation',
  byWhen: 'bis wann',
  thenEnds: '; dann endet dieser Link',
  means: 'was die Unterschrift bedeutet',
  meaning: (party) =>
    `Sie sagen für ${party}, dass sie für die Pflichten einsteht, die sie nennen, in den Zeiten, die dort stehen. Es gilt, sobald alle Seiten denselben Text unterschrieben haben.`,
  howLong: 'für wie lange',
  days: (count) =>
    `Für ${count === 365 ? 'ein Jahr' : `${count} Tage`}, oder bis der Text geändert wird: Dann werden Sie erneut gebeten.`,
  notDone: 'was sie nicht bewirkt',
  nothing: 'Diese Seite zu öffnen oder einen Code anzufordern unterschreibt nichts.',
  confirm: {
    title: (integration) => `Kontakt für ${integration}`,
    lead: (contact, party) => `${contact}, Sie wurden als Kontakt von ${party} für diese Pflichten genannt:`,
    confirmed: 'bestätigt',
    thanks: 'Danke. Mehr ist hier nicht nötig.',
    text: 'Bestätigen Sie, dass Sie dafür erreichbar sind. Sind Sie es nicht, antworten Sie auf die E-Mail.',
    button: 'Ich bin der Kontakt',
    form: 'Bestätigen',
  },
  bad: {
    ended: 'Dieser Link ist abgelaufen',
    unknown: 'Dieser Link öffnet nichts',
    'sent-back': 'Zurückgegeben',
  },
  sentBack:
    'Ihre Anmerkung liegt der anderen Seite vor. Sie erhalten eine neue E-Mail, sobald es eine neue Version gibt.',
  canDo: 'Was Sie tun können',
  mends: [
    'Öffnen Sie den Link noch einmal aus der neuesten E-Mail; manche Mailprogramme zerteilen lange Links.',
    'War die Seite länger als eine Stunde offen, öffnen Sie den Link in der E-Mail noch einmal.',
    'Antworten Sie sonst auf die E-Mail: Der Absender kann Ihnen einen neuen Link senden.',
  ],
  problems: {
    notOurs:
      'Das Formular kam nicht von dieser Seite. Lesen Sie die Matrix, und versuchen Sie es noch einmal.',
    name: 'Geben Sie Ihren Namen und Ihre Funktion an: Beides steht unter der Matrix.',
    code: 'Fordern Sie einen Code an, und geben Sie ihn hier ein: Er ist in Ihrem Postfach.',
    comment: 'Sagen Sie, was anders sein soll.',
  },
  refusals: {
    'link-expired': 'Dieser Link ist abgelaufen. Bitten Sie den Absender um einen neuen.',
    'not-current':
      'Wofür dieser Link war, ist nicht mehr zu unterschreiben: Es wurde geändert, zurückgegeben oder zurückgezogen. Suchen Sie nach einer neueren E-Mail.',
    'no-such-link': 'Dieser Link ist keiner von unseren.',
    'link-used': 'Dieser Link wurde schon benutzt: Er unterschreibt einmal.',
    'link-ended': 'Der Kontakt, für den dieser Link war, ist keiner mehr.',
    'too-many-codes': 'Es wurden zu viele Codes angefordert; versuchen Sie es in einer Stunde wieder.',
    'code-not-sent':
      'Die E-Mail mit dem Code konnte nicht übergeben werden. Versuchen Sie es in einer Minute.',
    'code-refused':
      'Das ist nicht der Code der neuesten E-Mail, oder er ist abgelaufen. Fordern Sie einen neuen an.',
    'text-changed':
      'Was Sie unterschrieben haben, ist nicht, was diese Version sagt. Lesen Sie sie noch einmal, und unterschreiben Sie dann.',
    'not-a-signer': 'Diese Partei steht in der Matrix für nichts ein.',
    'author-signs': 'Wer einen Teil davon geschrieben hat, kann nicht für die andere Seite unterschreiben.',
    'already-signed': 'Ihre Seite hat diese Version schon unterschrieben.',
    'signature-too-weak': 'Dieser Weg zu unterschreiben reicht der Richtlinie dieser Integration nicht.',
  },
};

const WORDS: Readonly<Record<TextLanguage, SigningWords>> = { en: ENGLISH, de: GERMAN };

/** In the language of the text that is read, or of the reader; English where nobody wrote another. */
export function signingWordsIn(language: string): SigningWords {
  return WORDS[textLanguageOf(language)];
}
