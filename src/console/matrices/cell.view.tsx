import type { WorkingMatrix } from '../../domain/responsibility/matrix.schema.ts';
import { dutySentence } from '../../domain/responsibility/matrix-text.rules.ts';
import { DUTIES, type Duty } from '../../domain/responsibility/matrix.rules.ts';
import type { IntegrationHead, IntegrationParty } from '../integrations/integration.queries.ts';
import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { words } from '../shared/states.tsx';
import type { Choices } from './choices.queries.ts';

/** A cell as it stands in the form: every field as text. */
export interface CellTyped {
  duty: Duty;
  part: string;
  credential: string;
  accountable: string;
  performing: readonly string[];
  contact: string;
  window: string;
  path: string;
  note: string;
}

export function CellView({
  frame,
  head,
  working,
  parties,
  choices,
  typed,
  exists,
  problems = {},
}: {
  frame: Frame;
  head: IntegrationHead;
  working: WorkingMatrix;
  parties: readonly IntegrationParty[];
  choices: Choices;
  typed: CellTyped;
  exists: boolean;
  problems?: FormProblems;
}) {
  const back = `/integrations/${head.reference}/matrix`;
  const answering = parties.filter(({ roles }) => roles.includes('supplier') || roles.includes('customer'));
  // Who stands in the row without being a party here (of a shared credential) is kept unless somebody takes it out.
  const named = new Map(
    working.rows.flatMap((row) => [row.accountable, ...row.performing]).map(({ id, name }) => [id, name]),
  );
  const others = [typed.accountable, ...typed.performing].filter(
    (id, at, all) => id !== '' && all.indexOf(id) === at && !parties.some((party) => party.id === id),
  );
  const stranger = (id: string) => (
    <>
      {named.get(id) ?? 'another party'} <span class="soft small">no party of this integration</span>
    </>
  );
  const signed = working.newest?.state === 'countersigned';
  return (
    <Page
      title={`${words(typed.duty)}: ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Matrices', path: '/matrices' },
        { title: head.name, path: `/integrations/${head.reference}` },
        { title: 'Matrix', path: back },
      ]}
    >
      <h1>{exists ? `Who answers for ${words(typed.duty)}` : 'Who answers for it'}</h1>
      <p class="lead">{dutySentence(typed.duty)}.</p>
      {signed && (
        <p class="notice wait">
          Both sides have signed. Another party, part, window or path makes their signatures fall at once, and
          both are told; another contact or note does not.
        </p>
      )}
      <FormError problems={problems} />
      <PostForm frame={frame} action={`${back}/cell`} label="One row of the matrix">
        <input type="hidden" name="row_version" value={working.rowVersion} />
        <div class="grid">
          <section class="card w6">
            <h2>Which duty</h2>
            {exists ? (
              <>
                <input type="hidden" name="duty" value={typed.duty} />
                <input type="hidden" name="part" value={typed.part} />
                <input type="hidden" name="credential" value={typed.credential} />
                <p>
                  <b>{words(typed.duty)}</b>
                  {typed.part && `, part ${typed.part}`}
                  {typed.credential &&
                    `, only for ${choices.credentials.find(({ id }) => id === typed.credential)?.name ?? 'one credential'}`}
                </p>
              </>
            ) : (
              <>
                <Select
                  name="duty"
                  label="Duty"
                  value={typed.duty}
                  options={DUTIES.map((duty) => ({ value: duty, word: words(duty) }))}
                />
                <Field
                  name="part"
                  label="Part, if the duty is shared"
                  hint="An environment, a region, half of the work. Empty: the whole duty."
                  value={typed.part}
                  problem={problems['part']}
                  maxLength={120}
                />
                <Select
                  name="credential"
                  label="Only for one credential"
                  value={typed.credential}
                  problem={problems['credential']}
                  options={[
                    { value: '', word: 'for every credential' },
                    ...choices.credentials.map(({ id, name }) => ({ value: id, word: name })),
                  ]}
                />
              </>
            )}
            <Field
              name="window"
              label="Within"
              hint="How long it may take once it is due: 30m, 4h, 2d. Empty: no window is agreed."
              value={typed.window}
              problem={problems['window']}
              maxLength={10}
            />
            {(!exists || typed.duty === 'revocation') && (
              <Select
                name="path"
                label="Path, for revocation"
                value={typed.path}
                problem={problems['path']}
                options={[
                  { value: '', word: 'not said' },
                  { value: 'connector', word: 'a machine revokes' },
                  { value: 'contact', word: 'a contact is asked' },
                ]}
              />
            )}
          </section>
          <section class="card w6">
            <h2>Who</h2>
            <fieldset aria-describedby={problems['accountable'] ? 'accountable-error' : undefined}>
              <legend>Accountable: exactly one party</legend>
              {answering.map((party) => (
                <label class="check">
                  <input
                    type="radio"
                    name="accountable"
                    value={party.id}
                    checked={typed.accountable === party.id}
                  />
                  {party.name} <span class="soft small">{party.roles.map(words).join(', ')}</span>
                </label>
              ))}
              {others
                .filter((id) => id === typed.accountable)
                .map((id) => (
                  <label class="check">
                    <input type="radio" name="accountable" value={id} checked />
                    {stranger(id)}
                  </label>
                ))}
              <Problem name="accountable" text={problems['accountable']} />
            </fieldset>
            <fieldset aria-describedby={problems['performing'] ? 'performing-error' : undefined}>
              <legend>Performing: at least one party</legend>
              {parties.map((party) => (
                <label class="check">
                  <input
                    type="checkbox"
                    name="performing"
                    value={party.id}
                    checked={typed.performing.includes(party.id)}
                  />
                  {party.name} <span class="soft small">{party.roles.map(words).join(', ')}</span>
                </label>
              ))}
              {others
                .filter((id) => typed.performing.includes(id))
                .map((id) => (
                  <label class="check">
                    <input type="checkbox" name="performing" value={id} checked />
                    {stranger(id)}
                  </label>
                ))}
              <Problem name="performing" text={problems['performing']} />
            </fieldset>
            <Select
              name="contact"
              label="Contact"
              value={typed.contact}
              problem={problems['contact']}
              options={[
                { value: '', word: 'nobody yet' },
                ...(typed.contact && !choices.contacts.some(({ id }) => id === typed.contact)
                  ? [{ value: typed.contact, word: 'somebody of the other side' }]
                  : []),
                ...choices.contacts.map((one) => ({
                  value: one.id,
                  word: `${one.name}, ${one.partyName} (${words(one.role)}${one.reachable ? '' : ', cannot be reached'})`,
                })),
              ]}
            />
            <Field
              name="note"
              label="Note"
              hint="Not signed."
              type="area"
              value={typed.note}
              problem={problems['note']}
            />
          </section>
        </div>
        <p class="actions">
          <button type="submit">Save</button>
          <a class="button plain" href={back}>
            Cancel
          </a>
        </p>
      </PostForm>
      {exists && (
        <PostForm frame={frame} action={`${back}/remove`} label="Remove this row">
          <input type="hidden" name="row_version" value={working.rowVersion} />
          <input type="hidden" name="duty" value={typed.duty} />
          <input type="hidden" name="part" value={typed.part} />
          <input type="hidden" name="credential" value={typed.credential} />
          <p class="actions">
            <button class="danger small" type="submit">
              Remove this row
            </button>
          </p>
        </PostForm>
      )}
    </Page>
  );
}

function Problem({ name, text }: { name: string; text: string | undefined }) {
  return text ? (
    <p class="error" id={`${name}-error`}>
      {text}
    </p>
  ) : null;
}

function Select({
  name,
  label,
  options,
  value,
  problem,
}: {
  name: string;
  label: string;
  options: readonly { value: string; word: string }[];
  value: string;
  problem?: string | undefined;
}) {
  return (
    <div class="field">
      <label for={name}>{label}</label>
      <select id={name} name={name} aria-describedby={problem ? `${name}-error` : undefined}>
        {options.map((option) => (
          <option value={option.value} selected={option.value === value}>
            {option.word}
          </option>
        ))}
      </select>
      <Problem name={name} text={problem} />
    </div>
  );
}
