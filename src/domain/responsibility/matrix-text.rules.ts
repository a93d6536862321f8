import { createHash } from 'node:crypto';
import type { Id } from '../../kernel/ids.ts';
import { canonicalJson } from '../../kernel/canonical-json.ts';
import { DUTIES, dutyWords, type Declared, type Duty, type MatrixRowFacts } from './matrix.rules.ts';

/** The languages that a matrix can be shown and signed in. */
export const TEXT_LANGUAGES = ['en', 'de'] as const;
export type TextLanguage = (typeof TEXT_LANGUAGES)[number];

export function isTextLanguage(text: string): text is TextLanguage {
  return (TEXT_LANGUAGES as readonly string[]).includes(text);
}

/** A person to call for a duty, and every way to reach them. */
export interface TextContact {
  name: string;
  partyId: Id;
  email: string | null;
  phone: string | null;
  /** Channels of the addresses of record beside these. */
  channels: readonly string[];
}

/** What the text names beside the content: the reference of the integration and the names of parties and credentials. */
export interface TextNames {
  reference: string;
  party(id: Id): string;
  credential(id: Id): string;
  contact(id: Id): TextContact | undefined;
}

interface Words {
  title: (reference: string) => string;
  intro: string;
  accountable: string;
  performs: string;
  within: (minutes: string) => string;
  path: Record<'connector' | 'contact', string>;
  part: (part: string) => string;
  only: (credential: string) => string;
  declared: string;
  kinds: string;
  storing: string;
  scopes: string;
  none: string;
  contacts: string;
  contactsMay: string;
  noContact: string;
  of: (contact: string, party: string) => string;
  by: {
    mail: (address: string) => string;
    telephone: (ending: string) => string;
    channel: (name: string) => string;
  };
  unreachable: string;
  terms: string;
  termsContent: string;
  termsText: string;
  minute: (n: number) => string;
  hour: (n: number) => string;
  day: (n: number) => string;
  duties: Record<Duty, string>;
}

const EN: Words = {
  title: (reference) => `Responsibility matrix of integration ${reference}`,
  intro:
    'Each duty has one accountable party, which answers for it whoever performs it. Whoever signs agrees to this text and to nothing beside it.',
  accountable: 'accountable',
  performs: 'performed by',
  within: (time) => `within ${time}`,
  path: { connector: 'revoked by machine', contact: 'revoked by asking a contact' },
  part: (part) => `part "${part}"`,
  only: (credential) => `only for the credential "${credential}"`,
  declared: 'Declared when this was proposed',
  kinds: 'kinds of credentials',
  storing: 'parties that keep copies',
  scopes: 'scopes',
  none: 'none',
  contacts: 'Whom to call',
  contactsMay:
    'As named when this was proposed. Naming somebody else needs no new signature: the new contact has to confirm.',
  noContact: 'nobody is named',
  of: (contact, party) => `${contact} of ${party}`,
  by: {
    mail: (address) => `by mail (${address})`,
    telephone: (ending) => `by telephone (ends in ${ending})`,
    channel: (name) => `by ${name}`,
  },
  unreachable: 'cannot be reached',
  terms: 'Terms that are agreed with this, as they are shown beside it',
  termsContent: 'content (SHA-256)',
  termsText: 'text (SHA-256)',
  minute: (n) => (n === 1 ? '1 minute' : `${n} minutes`),
  hour: (n) => (n === 1 ? '1 hour' : `${n} hours`),
  day: (n) => (n === 1 ? '1 day' : `${n} days`),
  duties: {
    admission: 'Admission: the decision to trust the integration and let its credentials reach production',
    issuance: 'Issuance: makes the credentials',
    storage: 'Storage: keeps the credentials',
    distribution: 'Distribution: brings the credentials where they are used',
    scope_approval: 'Scope approval: agrees to what the credentials may do',
    rotation: 'Rotation: replaces the credentials in time',
    monitoring: 'Monitoring: watches their use',
    revocation: 'Revocation: kills the credentials',
    notification: 'Notification: tells who must be told',
    containment: 'Containment: stops the abuse',
    downstream_impact: 'Downstream impact: finds and treats what the credentials reached',
    recovery: 'Recovery: restores the service',
  },
};

const DE: Words = {
  title: (reference) => `Zuständigkeitsmatrix der Integration ${reference}`,
  intro:
    'Für jede Pflicht ist genau eine Partei rechenschaftspflichtig, wer auch immer sie ausführt. Wer unterzeichnet, stimmt diesem Text zu und nichts außerdem.',
  accountable: 'rechenschaftspflichtig',
  performs: 'ausgeführt von',
  within: (time) => `innerhalb von ${time}`,
  path: { connector: 'Widerruf durch eine Maschine', contact: 'Widerruf auf Anfrage bei einem Kontakt' },
  part: (part) => `Teil „${part}“`,
  only: (credential) => `nur für die Zugangsdaten „${credential}“`,
  declared: 'Bei der Vorlage erklärt',
  kinds: 'Arten von Zugangsdaten',
  storing: 'Parteien, die Kopien halten',
  scopes: 'Berechtigungen',
  none: 'keine',
  contacts: 'Wer angerufen wird',
  contactsMay:
    'Stand der Vorlage. Jemand anderes zu benennen bedarf keiner neuen Unterschrift: der neue Kontakt muss bestätigen.',
  noContact: 'niemand ist benannt',
  of: (contact, party) => `${contact} (${party})`,
  by: {
    mail: (address) => `per E-Mail (${address})`,
    telephone: (ending) => `per Telefon (endet auf ${ending})`,
    channel: (name) => `über ${name}`,
  },
  unreachable: 'ist nicht erreichbar',
  terms: 'Bedingungen, die hiermit vereinbart werden, wie sie daneben stehen',
  termsContent: 'Inhalt (SHA-256)',
  termsText: 'Text (SHA-256)',
  minute: (n) => (n === 1 ? '1 Minute' : `${n} Minuten`),
  hour: (n) => (n === 1 ? '1 Stunde' : `${n} Stunden`),
  day: (n) => (n === 1 ? '1 Tag' : `${n} Tagen`),
  duties: {
    admission: 'Zulassung: die Entscheidung, der Integration zu vertrauen und sie in Betrieb zu nehmen',
    issuance: 'Ausstellung: stellt die Zugangsdaten aus',
    storage: 'Aufbewahrung: verwahrt die Zugangsdaten',
    distribution: 'Verteilung: bringt die Zugangsdaten dorthin, wo sie gebraucht werden',
    scope_approval: 'Freigabe der Berechtigungen: stimmt zu, was die Zugangsdaten dürfen',
    rotation: 'Rotation: ersetzt die Zugangsdaten rechtzeitig',
    monitoring: 'Überwachung: beobachtet ihren Gebrauch',
    revocation: 'Widerruf: macht die Zugangsdaten unbrauchbar',
    notification: 'Benachrichtigung: sagt es denen, die es wissen müssen',
    containment: 'Eindämmung: beendet den Missbrauch',
    downstream_impact: 'Folgen: findet und behandelt, was die Zugangsdaten erreicht haben',
    recovery: 'Wiederherstellung: bringt den Dienst zurück',
  },
};

const WORDS: Readonly<Record<TextLanguage, Words>> = { en: EN, de: DE };

/** "2 days", "90 minutes": the largest unit that says it exactly. */
export function windowWords(minutes: number, language: TextLanguage = 'en'): string {
  const words = WORDS[language];
  if (minutes % 1440 === 0) return words.day(minutes / 1440);
  if (minutes % 60 === 0) return words.hour(minutes / 60);
  return words.minute(minutes);
}

/** What a duty is about, as the signed text words it. */
export function dutySentence(duty: Duty, language: TextLanguage = 'en'): string {
  return WORDS[language].duties[duty];
}

/** A duty by its name alone, as it stands in the middle of a sentence. */
export function dutyName(duty: Duty, language: TextLanguage = 'en'): string {
  return language === 'en' ? dutyWords(duty) : dutySentence(duty, language).split(':')[0]!;
}

/** The one that a text is shown in to whoever reads `language`: theirs (`de` for `de-AT`), else English. */
export function textLanguageOf(language: string): TextLanguage {
  const own = language.toLowerCase().split('-')[0]!;
  return isTextLanguage(own) ? own : 'en';
}

/** One row of what people sign, with whom to call for it. */
export interface TextRow extends MatrixRowFacts {
  contactId?: Id | null;
}

/**
 * What is signed, as people read it: the material content, and whom to call as the version named them. A version's text
 * never changes; another contact is another version, which the signatures under the same content cover.
 */
export function matrixText(
  matrix: {
    rows: readonly TextRow[];
    declared?: Declared | null;
    terms?: { contentHash: string; textHash: string } | null;
  },
  names: TextNames,
  language: TextLanguage,
): string {
  const words = WORDS[language];
  const lines = [words.title(names.reference), '', words.intro];
  for (const { duty, rows } of byDuty(matrix.rows)) {
    lines.push('', words.duties[duty]);
    for (const row of rows) {
      const where = placeOf(row, names, words);
      const how = [
        `${words.accountable}: ${names.party(row.accountablePartyId)}`,
        `${words.performs}: ${[...new Set(row.performingPartyIds)].map(names.party).sort(compare).join(', ')}`,
        row.windowMinutes && words.within(windowWords(row.windowMinutes, language)),
        row.pathKind && words.path[row.pathKind],
      ].filter(Boolean);
      lines.push(`  ${where.length > 0 ? `${where.join(', ')}: ` : ''}${how.join('; ')}`);
    }
  }
  lines.push('', words.contacts, `  ${words.contactsMay}`);
  for (const { duty, rows } of byDuty(matrix.rows))
    for (const row of rows)
      lines.push(
        `  ${[shortName(duty, words), ...placeOf(row, names, words)].join(', ')}: ${contactWords(row, names, words)}`,
      );
  const { declared } = matrix;
  if (declared) {
    const list = (items: readonly string[]) => (items.length > 0 ? items.join(', ') : words.none);
    lines.push(
      '',
      words.declared,
      `  ${words.kinds}: ${list(declared.credentialKinds.map((kind) => kind.replaceAll('_', ' ')))}`,
      `  ${words.storing}: ${list(declared.storingPartyIds.map(names.party).sort(compare))}`,
      `  ${words.scopes}: ${list(declared.scopes)}`,
    );
  }
  if (matrix.terms) {
    const { contentHash, textHash: shown } = matrix.terms;
    lines.push('', words.terms, `  ${words.termsContent}: ${contentHash}`, `  ${words.termsText}: ${shown}`);
  }
  return `${lines.join('\n')}\n`;
}

/** The rows in the order of the duties; within one, those for every credential first. */
function byDuty(rows: readonly TextRow[]): { duty: Duty; rows: TextRow[] }[] {
  return DUTIES.map((duty) => ({
    duty,
    rows: rows
      .filter((row) => row.duty === duty)
      .sort((a, b) => compare(a.credentialId ?? '', b.credentialId ?? '') || compare(a.part, b.part)),
  })).filter((of) => of.rows.length > 0);
}

function placeOf(row: TextRow, names: TextNames, words: Words): string[] {
  return [
    ...(row.part ? [words.part(row.part)] : []),
    ...(row.credentialId === null ? [] : [words.only(names.credential(row.credentialId))]),
  ];
}

/** "Revocation" of "Revocation: kills the credentials". */
function shortName(duty: Duty, words: Words): string {
  return words.duties[duty].slice(0, words.duties[duty].indexOf(':'));
}

/** Who it is in full, and by which channels; an address only so far that whoever knows it knows it again. */
function contactWords({ contactId }: TextRow, names: TextNames, words: Words): string {
  const contact = contactId ? names.contact(contactId) : undefined;
  if (!contact) return words.noContact;
  const ways = [
    ...(contact.email ? [words.by.mail(maskedMail(contact.email))] : []),
    ...(contact.phone ? [words.by.telephone(lastDigits(contact.phone))] : []),
    ...[...new Set(contact.channels)].sort(compare).map(words.by.channel),
  ];
  return [
    words.of(contact.name, names.party(contact.partyId)),
    ...(ways.length > 0 ? ways : [words.unreachable]),
  ].join(', ');
}

/** "n…@example.test". */
function maskedMail(address: string): string {
  const at = address.lastIndexOf('@');
  return at < 1 ? '…' : `${[...address][0]}…${address.slice(at)}`;
}

function lastDigits(phone: string): string {
  return phone.replaceAll(/\D/g, '').slice(-2) || '…';
}

export function textHash(text: string): Buffer {
  return createHash('sha256').update(text, 'utf8').digest();
}

/** What a document to be signed elsewhere binds. */
export interface OfflineDocument {
  matrixVersionId: Id;
  integrationId: Id;
  contentHash: string;
  textHash: string;
  language: string;
  partyId: Id;
  contactId: Id;
  /** Name and position: on whose behalf, and by what authority. */
  signsFor: string;
  text: string;
}

/** The bytes that a detached signature is over (RFC 8785 text, UTF-8): the same every time for the same facts. */
export function offlineDocument(document: OfflineDocument): string {
  return canonicalJson({ format: 'countersign-attestation-1', ...document });
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
