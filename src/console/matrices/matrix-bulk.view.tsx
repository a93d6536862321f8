import type { MatrixRowView, WorkingMatrix } from '../../domain/responsibility/matrix.schema.ts';
import { windowWords } from '../../domain/responsibility/matrix-text.rules.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import type { IntegrationHead, IntegrationParty } from '../integrations/integration.queries.ts';
import { Field, PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Chip, words } from '../shared/states.tsx';
import { cellText, type BulkTyped } from './bulk.schema.ts';
import type { Choices } from './choices.queries.ts';
import { Inherit } from './inherit.tsx';

export function BulkView({
  frame,
  head,
  working,
  parties,
  choices,
  templates,
  typed,
  choose,
  problems,
}: {
  frame: Frame;
  head: IntegrationHead;
  working: WorkingMatrix;
  parties: readonly IntegrationParty[];
  choices: Choices;
  templates: readonly { key: string; title: string }[];
  typed: BulkTyped;
  choose: 'all' | 'gaps' | undefined;
  problems: readonly string[];
}) {
  const back = `/integrations/${head.reference}/matrix`;
  const answering = parties.filter(({ roles }) => roles.includes('supplier') || roles.includes('customer'));
  return (
    <Page
      title={`Edit several rows: ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Matrices', path: '/matrices' },
        { title: head.name, path: `/integrations/${head.reference}` },
        { title: 'Matrix', path: back },
      ]}
    >
      <p class="ref">{head.reference}</p>
      <h1>Edit several rows</h1>
      <p class="lead">Choose rows, say what to set on all of them. What you leave empty stays as it is.</p>
      {working.newest?.state === 'countersigned' && (
        <p class="notice wait">
          Both sides have signed. Another party or window makes their signatures fall at once, and both are
          told; another contact does not.
        </p>
      )}
      {problems.length > 0 && (
        <div class="notice live" role="alert">
          {problems.map((problem) => (
            <div>{problem}</div>
          ))}
        </div>
      )}
      <PostForm frame={frame} action={`${back}/bulk`} label="Several rows of the matrix">
        <input type="hidden" name="row_version" value={working.rowVersion} />
        <div class="grid">
          <section class="card w7">
            <h2>
              Which rows
              <span class="aside">
                <a href={`${back}/bulk?choose=all`}>choose all</a> ·{' '}
                <a href={`${back}/bulk?choose=gaps`}>choose the gaps</a> · <a href={`${back}/bulk`}>none</a>
              </span>
            </h2>
            <Rows working={working} choices={choices} typed={typed} choose={choose} />
          </section>
          <section class="card w5">
            <h2>What to set on them</h2>
            <SelectField
              name="accountable"
              label="Accountable"
              none="as it is"
              value={typed.accountable}
              options={answering.map(({ id, name }) => ({ value: id, word: name }))}
            />
            <SelectField
              name="performing_how"
              label="Performing"
              none="as it is"
              value={typed.performingHow}
              options={[
                { value: 'beside', word: 'these beside those who perform already' },
                { value: 'instead', word: 'these and nobody else' },
              ]}
            />
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
            <SelectField
              name="contact"
              label="Contact"
              hint="Of the accountable or of a performing party"
              none="as it is"
              value={typed.contact}
              options={choices.contacts.map((one) => ({
                value: one.id,
                word: `${one.name} (${words(one.role)}${one.reachable ? '' : ', cannot be reached'})`,
                group: one.partyName,
              }))}
            />
            <SelectField
              name="window_how"
              label="Within"
              none="as it is"
              value={typed.windowHow}
              options={[
                { value: 'set', word: 'what is typed below' },
                { value: 'none', word: 'no window is agreed' },
              ]}
            />
            <Field name="window" label="Window" hint="30m, 4h or 2d" value={typed.window} maxLength={10} />
            <p class="actions">
              <button type="submit">Set it on the chosen rows</button>
              <a class="button plain" href={back}>
                Cancel
              </a>
            </p>
          </section>
        </div>
      </PostForm>
      <section class="card after">
        <h2>Or take rows over</h2>
        <Inherit frame={frame} path={back} working={working} templates={templates} choices={choices} />
      </section>
    </Page>
  );
}

function Rows({
  working,
  choices,
  typed,
  choose,
}: {
  working: WorkingMatrix;
  choices: Choices;
  typed: BulkTyped;
  choose: 'all' | 'gaps' | undefined;
}) {
  const credentials = new Map(choices.credentials.map(({ id, name }) => [id as string, name]));
  const box = (value: string, gap: boolean, name: string) => (
    <label class="check">
      <input
        type="checkbox"
        name="row"
        value={value}
        checked={typed.rows.includes(value) || choose === 'all' || (choose === 'gaps' && gap)}
      />
      {name}
    </label>
  );
  return (
    <table class="stack matrix">
      <caption class="skip">Rows of the matrix, to choose some</caption>
      <thead>
        <tr>
          <th scope="col">Row</th>
          <th scope="col">Accountable</th>
          <th scope="col">Within</th>
          <th scope="col">Contact</th>
        </tr>
      </thead>
      <tbody>
        {DUTIES.map((duty) => {
          const own = working.rows.filter((row) => row.duty === duty);
          return (
            <>
              {!own.some((row) => row.credentialId === null) && (
                <tr class="gap">
                  <th scope="row">
                    {box(cellText({ duty, part: '', credentialId: null }), true, words(duty))}
                  </th>
                  <td colSpan={3} data-label="Accountable">
                    <Chip tone="live">nobody answers for this</Chip>
                  </td>
                </tr>
              )}
              {own.map((row) => (
                <tr>
                  <th scope="row">{box(cellText(row), false, nameIn(row, credentials))}</th>
                  <td data-label="Accountable">{row.accountable.name ?? 'another party'}</td>
                  <td data-label="Within">{row.windowMinutes ? windowWords(row.windowMinutes) : '–'}</td>
                  <td data-label="Contact">
                    {row.contact ? (row.contact.name ?? 'of the other side') : 'nobody'}
                  </td>
                </tr>
              ))}
            </>
          );
        })}
      </tbody>
    </table>
  );
}

function nameIn(row: MatrixRowView, credentials: ReadonlyMap<string, string>): string {
  return [
    words(row.duty),
    row.part && `part ${row.part}`,
    row.credentialId && `only for ${credentials.get(row.credentialId) ?? 'one credential'}`,
  ]
    .filter(Boolean)
    .join(', ');
}

/** "revocation, part eu": a row by the value of its checkbox. */
export function rowName(text: string): string {
  const [duty = '', credentialId = '', ...part] = text.split('|');
  const named = part.join('|');
  return `${words(duty)}${named ? `, part ${named}` : ''}${credentialId ? ', of one credential' : ''}`;
}
