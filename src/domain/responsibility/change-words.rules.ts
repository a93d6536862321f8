import type { Id } from '../../kernel/ids.ts';
import type { MaterialChange, MaterialKind } from './material-changes.rules.ts';
import { dutyName, windowWords, type TextLanguage } from './matrix-text.rules.ts';

/** Names by id, of what a change speaks of; undefined: it is not the reader's to know. */
export interface ChangeNames {
  party(id: Id): string | undefined;
  credential(id: Id): string | undefined;
}

export interface WordedChange {
  /** "revocation, part production". */
  where: string;
  what: string;
  before: string;
  after: string;
}

interface Words {
  what: Readonly<Record<MaterialKind, string>>;
  whole: string;
  part: (part: string) => string;
  only: (credential: string) => string;
  someParty: string;
  someCredential: string;
  byMachine: string;
  byAsking: string;
  terms: (hash: string) => string;
}

const WORDS: Readonly<Record<TextLanguage, Words>> = {
  en: {
    what: {
      accountable: 'accountable',
      performing: 'performed by',
      part_added: 'new row, accountable',
      part_removed: 'row removed, was accountable',
      path_kind: 'revoked by',
      window: 'within',
      credential_kind: 'another kind of credential',
      storing_party: 'another party keeps copies',
      wider_scope: 'wider scope',
      terms: 'terms signed with it',
    },
    whole: 'the integration as a whole',
    part: (part) => `part ${part}`,
    only: (credential) => `only for ${credential}`,
    someParty: 'another party',
    someCredential: 'one credential',
    byMachine: 'machine',
    byAsking: 'asking a contact',
    terms: (hash) => `terms ${hash}…`,
  },
  de: {
    what: {
      accountable: 'rechenschaftspflichtig',
      performing: 'ausgeführt von',
      part_added: 'neue Zeile, rechenschaftspflichtig',
      part_removed: 'Zeile entfallen, rechenschaftspflichtig war',
      path_kind: 'Widerruf durch',
      window: 'innerhalb von',
      credential_kind: 'eine andere Art von Zugangsdaten',
      storing_party: 'eine weitere Partei hält Kopien',
      wider_scope: 'weiter gehende Berechtigungen',
      terms: 'mit unterzeichnete Bedingungen',
    },
    whole: 'die Integration im Ganzen',
    part: (part) => `Teil ${part}`,
    only: (credential) => `nur für ${credential}`,
    someParty: 'eine andere Partei',
    someCredential: 'bestimmte Zugangsdaten',
    byMachine: 'eine Maschine',
    byAsking: 'Anfrage bei einem Kontakt',
    terms: (hash) => `Bedingungen ${hash}…`,
  },
};

/** A change as people read it. */
export function changeWords(
  change: MaterialChange,
  names: ChangeNames,
  language: TextLanguage = 'en',
): WordedChange {
  const words = WORDS[language];
  const value = (text: string | null) =>
    text === null ? '–' : valueWords(change.what, text, names, words, language);
  const where =
    change.duty === null
      ? words.whole
      : [
          dutyName(change.duty, language),
          change.part && words.part(change.part),
          change.credentialId && words.only(names.credential(change.credentialId) ?? words.someCredential),
        ]
          .filter(Boolean)
          .join(', ');
  return { where, what: words.what[change.what], before: value(change.before), after: value(change.after) };
}

function valueWords(
  what: MaterialKind,
  text: string,
  names: ChangeNames,
  words: Words,
  language: TextLanguage,
): string {
  switch (what) {
    case 'window':
      return windowWords(Number(text), language);
    case 'path_kind':
      return text === 'connector' ? words.byMachine : words.byAsking;
    case 'credential_kind':
      return text.replaceAll('_', ' ');
    case 'wider_scope':
      return text;
    case 'terms':
      return words.terms(text.slice(0, 8));
    default:
      return text
        .split(' ')
        .map((id) => names.party(id) ?? words.someParty)
        .join(', ');
  }
}
