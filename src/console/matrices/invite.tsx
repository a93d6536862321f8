import type { VersionView } from '../../domain/responsibility/matrix.schema.ts';
import { PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { words } from '../shared/states.tsx';
import type { Choices } from './choices.queries.ts';

/** Invites somebody else of a side that has still to sign. */
export function Invite({
  frame,
  version,
  contacts,
}: {
  frame: Frame;
  version: VersionView;
  contacts: Choices['contacts'];
}) {
  const missing = version.signers.filter(({ signed }) => !signed).map(({ name }) => name);
  const options = contacts
    .filter(({ reachable, partyName }) => reachable && missing.includes(partyName))
    .map(({ id, name, partyName, role }) => ({
      value: id,
      word: `${name}, ${words(role)}`,
      group: partyName,
    }));
  if (!frame.may('matrices:write') || version.state !== 'proposed' || options.length === 0) return null;
  return (
    <details>
      <summary>Invite somebody to sign</summary>
      <PostForm frame={frame} action={`/matrices/${version.id}/invite`} label="Invite somebody to sign">
        <SelectField
          name="contact"
          label="Whom"
          hint="They get a link of their own; a code goes to the same mailbox."
          options={options}
          none="Choose a contact"
        />
        <p class="actions">
          <button class="plain" type="submit">
            Mail a link
          </button>
          <a href="/signing-keys">Keys for signing elsewhere</a>
        </p>
      </PostForm>
    </details>
  );
}
