import type { Id } from '../../kernel/ids.ts';
import type { MaterialChange, MaterialKind } from './material-changes.rules.ts';
import { windowWords } from './matrix-text.rules.ts';
import { dutyWords } from './matrix.rules.ts';

/** Names by id, of what a change speaks of. */
export interface ChangeNames {
  party(id: Id): string;
  credential(id: Id): string;
}

export interface WordedChange {
  /** "revocation, part production". */
  where: string;
  what: string;
  before: string;
  after: string;
}

const WHAT: Readonly<Record<MaterialKind, string>> = {
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
};

/** A change as people read it. */
export function changeWords(change: MaterialChange, names: ChangeNames): WordedChange {
  const value = (text: string | null) => (text === null ? '–' : valueWords(change.what, text, names));
  const where =
    change.duty === null
      ? 'the integration as a whole'
      : [
          dutyWords(change.duty),
          change.part && `part ${change.part}`,
          change.credentialId && `only for ${names.credential(change.credentialId)}`,
        ]
          .filter(Boolean)
          .join(', ');
  return { where, what: WHAT[change.what], before: value(change.before), after: value(change.after) };
}

function valueWords(what: MaterialKind, text: string, names: ChangeNames): string {
  switch (what) {
    case 'window':
      return windowWords(Number(text));
    case 'path_kind':
      return text === 'connector' ? 'machine' : 'asking a contact';
    case 'credential_kind':
      return text.replaceAll('_', ' ');
    case 'wider_scope':
      return text;
    case 'terms':
      return `terms ${text.slice(0, 8)}…`;
    default:
      return text.split(' ').map(names.party).join(', ');
  }
}
