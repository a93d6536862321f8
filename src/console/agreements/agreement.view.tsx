import { authorityWords, type Change, fallbackWords } from '../../domain/agreements/agreement-diff.rules.ts';
import type { AgreementPreview, DraftContent } from '../../domain/agreements/draft.schema.ts';
import { windowWords } from '../../domain/agreements/term.rules.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty, Facts } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import type { AgreementHead } from './agreements.queries.ts';
import { TermLines, type TermLine } from './term-lines.tsx';

const CRUMBS = [{ title: 'Agreements', path: '/agreements' }];

export function AgreementView({
  frame,
  head,
  shown,
  names,
}: {
  frame: Frame;
  head: AgreementHead;
  shown: { number: number; content: DraftContent; preview: AgreementPreview } | undefined;
  names: ReadonlyMap<string, string>;
}) {
  const path = `/agreements/${head.reference}`;
  return (
    <Page title={head.title} frame={frame} crumbs={CRUMBS}>
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>{head.title}</h1>
          <p class="lead">With {head.partyName}</p>
        </div>
        <div class="line">
          {head.inForce === null ? (
            <Chip tone="live">nothing in force</Chip>
          ) : (
            <Chip tone="dead">{`version ${head.inForce} in force`}</Chip>
          )}
          {frame.may('agreements:write') &&
            (head.draft ? (
              <a class="button" href={`${path}/draft`}>
                Continue the draft
              </a>
            ) : (
              <PostForm frame={frame} action={`${path}/draft/open`} inline label="Write the next version">
                <button type="submit">Write the next version</button>
              </PostForm>
            ))}
        </div>
      </div>
      {shown && shown.number !== head.inForce && (
        <p class="notice wait">You look at version {shown.number}, which is not the one in force.</p>
      )}
      <div class="grid">
        <section class="card w12">
          <h2>
            Who tells whom by when <span class="aside">{shown ? `version ${shown.number}` : ''}</span>
          </h2>
          {shown ? (
            <Terms shown={shown} names={names} partyName={head.partyName} />
          ) : (
            <Empty>No version has been published.</Empty>
          )}
        </section>
        <>
          {shown && (
            <section class="card w4">
              <h2>Agreed beforehand</h2>
              <Facts
                facts={[
                  ['authority to act', authorityWords(shown.content)],
                  [
                    'drills',
                    shown.content.drillEveryDays === null ? (
                      <Chip tone="wait">no cadence agreed</Chip>
                    ) : (
                      `every ${shown.content.drillEveryDays} days`
                    ),
                  ],
                  ['review on', shown.content.reviewOn ?? <span class="soft">no date</span>],
                  ['prevailing language', shown.content.prevailingLanguage],
                  ['in force', <Period content={shown.content} />],
                ]}
              />
              <h3>Containment steps</h3>
              {shown.content.containmentSteps.length === 0 ? (
                <Empty>None was agreed.</Empty>
              ) : (
                <ol class="stoppers">
                  {shown.content.containmentSteps.map(({ step, by, authority }) => (
                    <li>
                      {step}
                      <div class="small soft">
                        {by === null ? 'by whoever is first' : by === 'us' ? 'by us' : `by ${head.partyName}`}
                        {authority && `, ${words(authority)}`}
                      </div>
                    </li>
                  ))}
                </ol>
              )}
            </section>
          )}
          <section class="card w4">
            <h2>Versions</h2>
            {head.versions.length === 0 && <Empty>None yet.</Empty>}
            <ul class="plain">
              {head.versions.slice(0, 12).map((version) => (
                <li>
                  <span class="line tight">
                    <a href={`${path}?version=${version.number}`}>version {version.number}</a>
                    {version.number === head.inForce && <Chip tone="dead">in force</Chip>}
                    {version.validFrom > frame.now && <Chip tone="info">to come</Chip>}
                  </span>
                  <div class="small soft">
                    from <At at={version.validFrom} day />
                    {version.validUntil !== null && (
                      <>
                        {' until '}
                        <At at={version.validUntil} day />
                      </>
                    )}
                    {' · '}
                    <span class="mono" title={version.hash}>
                      {version.hash.slice(0, 12)}
                    </span>
                    {head.versions.some(({ number }) => number === version.number - 1) && (
                      <>
                        {' · '}
                        <a href={`${path}/compare?a=${version.number - 1}&b=${version.number}`}>
                          what changed
                        </a>
                      </>
                    )}
                  </div>
                </li>
              ))}
            </ul>
          </section>
          <section class="card w4">
            <h2>Integrations under it</h2>
            {head.integrations.length === 0 && <Empty>None.</Empty>}
            <ul class="plain">
              {head.integrations.map((one) => (
                <li class="line tight">
                  <a href={`/integrations/${one.reference}`}>{one.name}</a>
                  <StateChip state={one.state} of="integration" />
                </li>
              ))}
            </ul>
          </section>
        </>
      </div>
    </Page>
  );
}

/** "2 business days", and beneath it by which zone and calendar. */
function Window({ words: said }: { words: string }) {
  const [window, ...where] = said.split(' in ');
  return (
    <div>
      <b>{window}</b>
      {where.length > 0 && <div class="small soft">{where.join(' in ')}</div>}
    </div>
  );
}

function Period({ content }: { content: DraftContent }) {
  const day = (text: string) => <At at={Date.parse(text)} day />;
  return (
    <>
      {content.validFrom === null ? 'from its publication' : <>from {day(content.validFrom)}</>}
      {content.validUntil === null ? '' : <> until {day(content.validUntil)}</>}
    </>
  );
}

/** The time lines, and beneath them "if this happened now" for each term. */
export function Terms({
  shown,
  names,
  partyName,
  editPath,
}: {
  shown: { content: DraftContent; preview: AgreementPreview };
  names: ReadonlyMap<string, string>;
  partyName: string;
  /** Where one term of a draft is edited, by its place. */
  editPath?: (at: number) => string;
}) {
  const { terms } = shown.content;
  if (terms.length === 0) return <Empty>Nobody is promised any notice.</Empty>;
  const nameOf = (id: string) => names.get(id) ?? 'somebody of the other side';
  return (
    <>
      <TermLines lines={linesOf(shown)} partyName={partyName} />
      <h3>If it happened now</h3>
      <DataTable
        caption="Terms, and when each would be due if its start event happened now"
        columns={[
          { title: 'Term' },
          { title: 'Counted from' },
          { title: 'Window' },
          { title: 'Due' },
          { title: 'Warns / escalates' },
          { title: 'Told, in order' },
          { title: 'Kept when' },
          ...(editPath ? [{ title: '' }] : []),
        ]}
        rows={terms.map((term, at) => {
          const clock = shown.preview.terms[at];
          return [
            <div>
              <b>{term.name ?? words(term.trigger)}</b>
              <div class="small soft">
                {term.direction === 'to_party' ? `we tell ${partyName}` : `${partyName} tells us`} when{' '}
                {words(term.trigger)}
              </div>
              {term.ruleVersion !== '1' && <div class="ref">{term.ruleVersion}</div>}
            </div>,
            words(term.startEvent),
            <Window words={windowWords(term)} />,
            clock?.dueAt ? <At at={Date.parse(clock.dueAt)} /> : <Chip tone="calm">without undue delay</Chip>,
            term.window === null ? (
              <span class="soft">–</span>
            ) : (
              `${term.warnPercent} % / ${term.escalatePercent} %`
            ),
            term.recipients.length === 0 ? (
              <Chip tone="wait">nobody named</Chip>
            ) : (
              <div>
                {term.recipients.map(nameOf).join(', ')}
                {term.fallbackRecipients.length > 0 && (
                  <div class="small soft">
                    then {term.fallbackRecipients.map((id) => fallbackWords(term, id, nameOf(id))).join(', ')}
                  </div>
                )}
              </div>
            ),
            term.leastStrength
              ? `${words(term.fulfilledBy)}, by ${words(term.leastStrength)} or stronger`
              : words(term.fulfilledBy),
            ...(editPath
              ? [
                  <a
                    class="button plain small"
                    href={editPath(at)}
                    aria-label={`Edit ${term.name ?? term.trigger}`}
                  >
                    Edit
                  </a>,
                ]
              : []),
          ];
        })}
      />
    </>
  );
}

function linesOf({ content, preview }: { content: DraftContent; preview: AgreementPreview }): TermLine[] {
  const start = Date.parse(preview.at);
  const after = (text: string | null | undefined) => (text ? Date.parse(text) - start : null);
  return content.terms.map((term, at) => ({
    name: term.name ?? words(term.trigger),
    direction: term.direction,
    length: after(preview.terms[at]?.dueAt),
    warn: after(preview.terms[at]?.warnAt),
    escalate: after(preview.terms[at]?.escalateAt),
    window: windowWords(term),
  }));
}

export function CompareView({
  frame,
  head,
  older,
  newer,
  before,
  after,
  changes,
}: {
  frame: Frame;
  head: AgreementHead;
  older: number;
  newer: number | 'draft';
  before: DraftContent | undefined;
  after: DraftContent | undefined;
  changes: readonly Change[] | undefined;
}) {
  const path = `/agreements/${head.reference}`;
  const called = newer === 'draft' ? 'the draft' : `version ${newer}`;
  return (
    <Page title={`Compare ${head.title}`} frame={frame} crumbs={[...CRUMBS, { title: head.title, path }]}>
      <p class="ref">{head.reference}</p>
      <h1>{`Version ${Math.max(older, 0)} and ${called}`}</h1>
      <p class="lead">What one says and the other does not.</p>
      <form class="search" action={`${path}/compare`}>
        <VersionChoice name="a" label="Older" head={head} value={String(older)} />
        <VersionChoice name="b" label="Newer" head={head} value={String(newer)} draft={head.draft} />
        <button type="submit">Compare</button>
      </form>
      {!before || !after ? (
        <Empty>There are no two versions to compare.</Empty>
      ) : changes?.length === 0 ? (
        <Empty>They say the same.</Empty>
      ) : (
        <section class="card">
          <DataTable
            caption="What changed"
            columns={[{ title: 'What' }, { title: `Version ${older}` }, { title: called }]}
            rows={(changes ?? []).map((change) => [<b>{change.what}</b>, change.before, change.after])}
          />
        </section>
      )}
    </Page>
  );
}

function VersionChoice({
  name,
  label,
  head,
  value,
  draft,
}: {
  name: string;
  label: string;
  head: AgreementHead;
  value: string;
  draft?: boolean;
}) {
  return (
    <label class="choice">
      <span>{label}</span>
      <select name={name}>
        {draft && (
          <option value="draft" selected={value === 'draft'}>
            the draft
          </option>
        )}
        {head.versions.map(({ number }) => (
          <option value={String(number)} selected={String(number) === value}>
            version {number}
          </option>
        ))}
      </select>
    </label>
  );
}
