import type { Strength } from '../../domain/notices/acknowledgement.rules.ts';
import { STRENGTH_WORDS } from '../../domain/notices/acknowledgement.rules.ts';

interface Ask {
  title: string;
  text: string;
  button: string;
}

/** What the page behind the link of a notice says around it, in the language of the notice. */
export interface LinkWords {
  language: string;
  drill: Ask;
  confirmation: Ask;
  notice: Ask;
  was: string;
  is: string;
  /** After the time: "to reach you by …". */
  reach: readonly [string, string];
  in(span: string): string;
  ago(span: string): string;
  name: string;
  nameHint: string;
  code: string;
  codeHint: string;
  next: string;
  nextHint: string;
  exactly: string;
  strength: Readonly<Record<Strength, string>>;
  orStronger: string;
  stillOpen: string;
  somebody: string;
  said: readonly [string, (given: string, least: string) => string];
  toEnd(least: string): string;
  secondCode(by: string): string;
  secondCodeHint: string;
  sign: string;
  signHow: readonly [string, string];
  signature: string;
  signatureHint: string;
  noKey: string;
  channels: string;
  channelsText: string;
  send(by: string): string;
  sendAgain(by: string): string;
  acknowledged: string;
  by(name: string): string;
  thanks: string;
  nextOfYou(next: string): string;
  nothingMore: string;
  whatNext: string;
  somethingElse: string;
  stands: readonly [with_: string, without: string];
  standsUntil: readonly [string, string];
  nextAction: string;
  saySo: string;
  /** By field: what is wrong with it, where the reader's language is not that of the refusal. */
  problems: Readonly<Record<string, string>>;
}

const ENGLISH: LinkWords = {
  language: 'en',
  drill: {
    title: 'Answer the call',
    text: 'Say that the call has reached you. Nothing is revoked by it: it shows how fast you can be reached.',
    button: 'The call has reached me',
  },
  confirmation: {
    title: 'Confirm that this reaches you',
    text: 'Say that you are the contact, and that mail to this address reaches you. Nothing else follows from it.',
    button: 'It reaches me',
  },
  notice: {
    title: 'Acknowledge this notice',
    text: 'Confirm that you have received and read it. This is no admission of anything: it says that somebody on your side is on it.',
    button: 'Acknowledge',
  },
  was: 'It was',
  is: 'It is',
  reach: [' to reach you by ', '.'],
  in: (span) => `in ${span}`,
  ago: (span) => `${span} ago`,
  name: 'Your first and last name',
  nameHint: 'It stands on record as the name of who answered.',
  code: 'The code of the message',
  codeHint: 'Six digits beside the link that you opened: they show that a person read it.',
  next: 'What happens next on your side, if you know it already',
  nextHint:
    'Without it this is asked again in a few hours: an acknowledgement that nothing follows does not last.',
  exactly: 'What you confirm is exactly this text, SHA-256',
  strength: STRENGTH_WORDS,
  orStronger: ', or something stronger',
  stillOpen: 'still open',
  somebody: 'Somebody',
  said: [
    'said',
    (given, least) =>
      `that it reached you, and that is on record. It was given by ${given}; what ends the duty is ${least}.`,
  ],
  toEnd: (least) =>
    `To end this, give ${least}. The code of the message alone is put on record, and leaves it open.`,
  secondCode: (by) => `The code that went to you by ${by}`,
  secondCodeHint: 'Eight digits, good for a quarter of an hour.',
  sign: 'Sign it with your own key',
  signHow: ['Download', ', sign exactly its bytes, and paste the signature:'],
  signature: 'The signature',
  signatureHint: 'What stands in notice.json.sig, or an Ed25519 signature in base64.',
  noKey: 'No key of yours was registered before this notice: ask the sender to register it for the next one.',
  channels: 'A second channel',
  channelsText:
    'A code that reaches you another way makes your answer stronger. Ask for it, then type it above.',
  send: (by) => `Send a code by ${by}`,
  sendAgain: (by) => `Send another code by ${by}`,
  acknowledged: 'acknowledged',
  by: (name) => `by ${name} `,
  thanks: 'Thank you.',
  nextOfYou: (next) => ` Next on your side: ${next}`,
  nothingMore: ' Nothing more is needed here.',
  whatNext: 'What happens next on your side?',
  somethingElse: 'Something else is next',
  stands: ['It', 'Without a next action it'],
  standsUntil: ['stands until', '; then you are told again, unless the case has ended.'],
  nextAction: 'The next action, in a few words',
  saySo: 'Say so',
  problems: {},
};

const GERMAN: LinkWords = {
  language: 'de',
  drill: {
    title: 'Den Anruf beantworten',
    text: 'Sagen Sie, dass der Anruf Sie erreicht hat. Es wird dadurch nichts widerrufen: Er zeigt, wie schnell Sie erreichbar sind.',
    button: 'Der Anruf hat mich erreicht',
  },
  confirmation: {
    title: 'Bestätigen, dass Sie dies erreicht',
    text: 'Sagen Sie, dass Sie der Kontakt sind und dass E-Mail an diese Adresse Sie erreicht. Sonst folgt daraus nichts.',
    button: 'Es erreicht mich',
  },
  notice: {
    title: 'Diese Mitteilung bestätigen',
    text: 'Bestätigen Sie, dass Sie sie erhalten und gelesen haben. Damit räumen Sie nichts ein: Es sagt nur, dass sich auf Ihrer Seite jemand darum kümmert.',
    button: 'Bestätigen',
  },
  was: 'Sie war',
  is: 'Sie ist',
  reach: [' mitzuteilen bis ', '.'],
  in: (span) => `in ${span}`,
  ago: (span) => `vor ${span}`,
  name: 'Ihr Vor- und Nachname',
  nameHint: 'Unter diesem Namen wird festgehalten, wer geantwortet hat.',
  code: 'Der Code der Nachricht',
  codeHint:
    'Sechs Ziffern neben dem Link, den Sie geöffnet haben: Sie zeigen, dass ein Mensch sie gelesen hat.',
  next: 'Was auf Ihrer Seite als Nächstes geschieht, falls Sie es schon wissen',
  nextHint:
    'Ohne diese Angabe wird in einigen Stunden noch einmal gefragt: Eine Bestätigung, auf die nichts folgt, hält nicht vor.',
  exactly: 'Sie bestätigen genau diesen Text, SHA-256',
  strength: {
    mailbox: 'der Code der Nachricht',
    second_channel: 'ein Code über einen zweiten Kanal, auch uns am Telefon vorgelesen',
    account_mfa: 'ein Konto von Ihnen hier',
    detached_signature: 'eine Signatur mit einem eigenen Schlüssel',
  },
  orStronger: ' oder etwas Stärkeres',
  stillOpen: 'noch offen',
  somebody: 'Jemand',
  said: [
    'hat bestätigt:',
    (given, least) =>
      `Die Mitteilung hat Sie erreicht, und das ist festgehalten. Die Antwort war: ${given}. Die Pflicht endet durch: ${least}.`,
  ],
  toEnd: (least) =>
    `Um dies zu beenden, braucht es: ${least}. Der Code der Nachricht allein wird festgehalten und lässt es offen.`,
  secondCode: (by) => `Der Code, der Ihnen über ${by} zuging`,
  secondCodeHint: 'Acht Ziffern, gültig für eine Viertelstunde.',
  sign: 'Mit dem eigenen Schlüssel signieren',
  signHow: ['Laden Sie', ' herunter, signieren Sie genau diese Bytes, und fügen Sie die Signatur ein:'],
  signature: 'Die Signatur',
  signatureHint: 'Was in notice.json.sig steht, oder eine Ed25519-Signatur in Base64.',
  noKey:
    'Vor dieser Mitteilung wurde kein Schlüssel von Ihnen hinterlegt: Bitten Sie den Absender, ihn für die nächste zu hinterlegen.',
  channels: 'Ein zweiter Kanal',
  channelsText:
    'Ein Code, der Sie auf anderem Weg erreicht, macht Ihre Antwort stärker. Fordern Sie ihn an, und geben Sie ihn dann oben ein.',
  send: (by) => `Einen Code über ${by} senden`,
  sendAgain: (by) => `Noch einen Code über ${by} senden`,
  acknowledged: 'bestätigt',
  by: (name) => `von ${name} `,
  thanks: 'Danke.',
  nextOfYou: (next) => ` Als Nächstes auf Ihrer Seite: ${next}`,
  nothingMore: ' Mehr ist hier nicht nötig.',
  whatNext: 'Was geschieht auf Ihrer Seite als Nächstes?',
  somethingElse: 'Etwas anderes ist als Nächstes dran',
  stands: ['Sie', 'Ohne nächsten Schritt'],
  standsUntil: [
    'gilt bis',
    '; danach werden Sie noch einmal benachrichtigt, sofern der Fall nicht beendet ist.',
  ],
  nextAction: 'Der nächste Schritt, in wenigen Worten',
  saySo: 'So festhalten',
  problems: {
    '': 'Es wurde noch nichts festgehalten. Prüfen Sie Ihre Angaben, und senden Sie sie noch einmal.',
    name: 'Geben Sie Ihren Vor- und Nachnamen ein (2 bis 120 Zeichen).',
    code: 'Geben Sie die sechs Ziffern ein, die in der Nachricht neben dem Link stehen.',
    next: 'Sagen Sie in wenigen Worten, was als Nächstes geschieht (3 bis 500 Zeichen).',
    secondCode:
      'Das ist nicht der Code, der Ihnen zuging, oder er ist abgelaufen. Fordern Sie einen neuen an.',
    signature: 'Die Signatur passt nicht zu diesem Text und einem hinterlegten Schlüssel.',
    channel: 'Der Code konnte auf diesem Weg nicht gesendet werden. Versuchen Sie es später noch einmal.',
  },
};

/** In the language of the notice; English where nobody wrote another. */
export function wordsIn(language: string): LinkWords {
  return language.toLowerCase().split('-')[0] === 'de' ? GERMAN : ENGLISH;
}
