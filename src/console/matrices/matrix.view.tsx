import type { MatrixFinding, VersionView, WorkingMatrix } from '../../domain/responsibility/matrix.schema.ts';
import type { IntegrationHead, IntegrationParty } from '../integrations/integration.queries.ts';
import { Field, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty, PaperFoot } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import { Changes } from './changes.tsx';
import type { Choices, VersionLine } from './choices.queries.ts';
import { Inherit } from './inherit.tsx';
import { MatrixTable, rowKey } from './matrix-table.tsx';
import { Mails, Signers } from './signatures.tsx';

export function MatrixPageView({
  frame,
  head,
  working,
  parties,
  choices,
  versions,
  newest,
  templates,
  problems,
}: {
  frame: Frame;
  head: IntegrationHead;
  working: WorkingMatrix;
  parties: readonly IntegrationParty[];
  choices: Choices;
  versions: readonly VersionLine[];
  newest: VersionView | undefined;
  templates: readonly { key: string; title: string }[];
  problems: readonly string[];
}) {
  const path = `/integrations/${head.reference}/matrix`;
  const writes = frame.may('matrices:write');
  const credentials = new Map(choices.credentials.map(({ id, name }) => [id as string, name]));
  const changed = new Set(working.changes.filter(({ duty }) => duty !== null).map(rowKey));
  const proposable = working.drafted || newest?.state === 'draft' || newest?.state === 'sent_back';
  return (
    <Page
      title={`Matrix: ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Matrices', path: '/matrices' },
        { title: head.name, path: `/integrations/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Who answers for what: {head.name}</h1>
          <p class="lead">
            {parties.map((party) => `${party.name} (${party.roles.map(words).join(', ')})`).join(' · ')}
          </p>
        </div>
        <p class="line">
          {working.drafted && <Chip tone="wait">drafted, not proposed</Chip>}
          {newest ? <StateChip state={newest.state} /> : <Chip tone="live">nothing agreed</Chip>}
        </p>
      </div>
      {problems.length > 0 && (
        <div class="notice live" role="alert">
          {problems.map((problem) => (
            <div>{problem}</div>
          ))}
        </div>
      )}
      <Standing working={working} newest={newest} />
      <div class="grid">
        <section class="card w12">
          <h2>
            {working.drafted ? 'As drafted' : newest ? `Version ${newest.number}` : 'Nothing yet'}
            <span class="aside">
              <a href={`${path}.xlsx`}>as a spreadsheet</a> · <a href={`${path}.csv`}>as CSV</a> ·{' '}
              <a href="/matrices">every matrix</a>
            </span>
          </h2>
          <MatrixTable
            rows={working.rows}
            credentials={credentials}
            changed={changed}
            {...(writes ? { edit: `${path}/cell` } : {})}
          />
          {writes && (
            <p class="actions">
              <a class="button plain small" href={`${path}/cell?new=1&duty=revocation`}>
                Add a part or an override
              </a>
              <a class="button plain small" href={`${path}/bulk`}>
                Edit several rows
              </a>
            </p>
          )}
        </section>
        {working.findings.length > 0 && <Findings findings={working.findings} />}
        {working.changes.length > 0 && (
          <section class="card w12">
            <h2>What nobody has signed</h2>
            <Changes changes={working.changes} before="signed" after="now" />
          </section>
        )}
        {newest && newest.state !== 'draft' && (
          <section class="card w6">
            <h2>
              Version {newest.number}
              <a class="aside" href={`/matrices/${newest.id}`}>
                read, sign, compare
              </a>
            </h2>
            <Signers version={newest} />
            <Mails frame={frame} version={newest} />
          </section>
        )}
        {writes && (
          <section class="card w6">
            <h2>Move it on</h2>
            {proposable && <Propose frame={frame} path={path} working={working} />}
            {!proposable && !newest && (
              <p class="soft">
                Take the rows over from a template below, or set them one by one. It can be proposed when
                every duty has somebody who answers and a contact.
              </p>
            )}
            {working.drafted && (
              <PostForm frame={frame} action={`${path}/discard`} inline label="Discard the draft">
                <input type="hidden" name="row_version" value={working.rowVersion} />
                <button class="plain small" type="submit">
                  Discard the draft
                </button>
              </PostForm>
            )}
            <Inherit frame={frame} path={path} working={working} templates={templates} choices={choices} />
          </section>
        )}
        <section class="card w12">
          <h2>Versions</h2>
          <Versions versions={versions} />
        </section>
      </div>
      <PaperFoot reference={head.reference} version={newest} drafted={working.drafted} />
    </Page>
  );
}

function Standing({ working, newest }: { working: WorkingMatrix; newest: VersionView | undefined }) {
  if (!newest) return null;
  const missing = newest.signers.filter(({ signed }) => !signed).map(({ name }) => name ?? 'another party');
  if (newest.state === 'countersigned')
    return (
      <p class="notice dead">
        <b>Both sides have signed version {newest.number}.</b>{' '}
        {working.drafted && working.changes.length === 0 && 'What is drafted changes only what nobody signs.'}
      </p>
    );
  if (newest.fellAt !== null)
    return (
      <p class="notice live">
        <b>The signatures under version {newest.number} fell</b> <At at={Date.parse(newest.fellAt)} />: it was
        changed after both sides had signed. Propose the change, and have both sides sign it.
      </p>
    );
  if (newest.state === 'proposed')
    return (
      <p class="notice wait">
        <b>Version {newest.number} is proposed.</b>{' '}
        {missing.length > 0 && `Still to sign: ${missing.join(', ')}.`}
      </p>
    );
  if (newest.state === 'sent_back')
    return (
      <div class="notice wait">
        <b>Version {newest.number} was sent back.</b>
        {newest.comments.map((comment) => (
          <div>
            {comment.author}, {comment.party.name ?? 'the other side'}
            {comment.duty && ` on ${words(comment.duty)}`}: {comment.text}
          </div>
        ))}
      </div>
    );
  if (newest.state === 'expired')
    return (
      <p class="notice live">
        <b>The signatures under version {newest.number} ran out.</b> Still to sign anew: {missing.join(', ')}.
      </p>
    );
  if (newest.state === 'superseded')
    return (
      <p class="notice wait">
        <b>Version {newest.number} is superseded.</b> Propose what is drafted, and have both sides sign it.
      </p>
    );
  if (newest.state === 'withdrawn')
    return (
      <p class="notice live">
        <b>Version {newest.number} was withdrawn.</b> Nothing is countersigned.
      </p>
    );
  return (
    <p class="notice wait">
      <b>Declared, and signed by nobody.</b> Propose it to those who answer for it.
    </p>
  );
}

function Findings({ findings }: { findings: readonly MatrixFinding[] }) {
  return (
    <section class="card w12">
      <h2>
        What is wrong with it <span class="aside">{findings.length}</span>
      </h2>
      <ul class="plain">
        {findings.map((finding) => (
          <li>
            <Chip tone={finding.severity === 'blocking' ? 'live' : 'wait'}>{finding.severity}</Chip>{' '}
            {finding.message}
            <div class="soft small">{finding.mend}</div>
          </li>
        ))}
      </ul>
    </section>
  );
}

function Propose({ frame, path, working }: { frame: Frame; path: string; working: WorkingMatrix }) {
  const gaps = working.findings.filter(({ code }) => code === 'gap' || code === 'no_contact').length;
  if (gaps > 0)
    return (
      <p class="soft">
        It can be proposed when every duty has somebody who answers and a contact: {gaps} still{' '}
        {gaps === 1 ? 'has' : 'have'} not.
      </p>
    );
  return (
    <PostForm frame={frame} action={`${path}/propose`} label="Propose this matrix">
      <input type="hidden" name="row_version" value={working.rowVersion} />
      <Field
        name="reattest_days"
        label="Signatures are given anew after (days)"
        type="number"
        value="365"
        maxLength={4}
      />
      <label class="check">
        <input type="checkbox" name="invite" value="1" checked />
        Mail a link to the other side, so that it can sign without an account
      </label>
      <p class="actions">
        <button type="submit">Propose</button>
      </p>
    </PostForm>
  );
}

function Versions({ versions }: { versions: readonly VersionLine[] }) {
  if (versions.length === 0) return <Empty>No version yet.</Empty>;
  return (
    <DataTable
      caption="Versions of the matrix"
      columns={[{ title: 'Version' }, { title: 'State' }, { title: 'From' }, { title: 'Compare' }]}
      rows={versions.map((one, at) => [
        <a href={`/matrices/${one.id}`}>{`version ${one.number}`}</a>,
        <StateChip state={one.state} />,
        <At at={one.at.getTime()} />,
        versions[at + 1] ? (
          <a
            href={`/matrices/${one.id}/changes/${versions[at + 1]!.id}`}
          >{`with version ${versions[at + 1]!.number}`}</a>
        ) : (
          <span class="soft">–</span>
        ),
      ])}
    />
  );
}
