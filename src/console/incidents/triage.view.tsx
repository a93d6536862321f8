import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, DataTable, Facts, OnlyOf, Tabs } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import type { ExposureLine, FoundAt } from './triage.queries.ts';

export function ExposuresView({
  frame,
  show,
  incident,
  page,
  first,
}: {
  frame: Frame;
  show: 'triage' | 'all';
  /** Only what belongs to this one. */
  incident: string | undefined;
  page: Listed<ExposureLine>;
  first: boolean;
}) {
  return (
    <Page title="Reports" frame={frame} crumbs={[{ title: 'Incidents', path: '/incidents' }]}>
      <div class="head">
        <div>
          <h1>Reports</h1>
          <p class="lead">
            What sources told us. Whatever matched nothing waits here for a person; none is dropped.
          </p>
        </div>
      </div>
      <Tabs
        label="Reports"
        here={show === 'triage' ? '/exposures' : '/exposures?show=all'}
        tabs={[
          { title: 'In triage', path: '/exposures' },
          { title: 'All', path: '/exposures?show=all' },
        ]}
      />
      {incident && (
        <OnlyOf incident={incident} all={show === 'triage' ? '/exposures' : '/exposures?show=all'} />
      )}
      <section class="card">
        {page.rows.length === 0 ? (
          <p class="empty">None.</p>
        ) : (
          <DataTable
            caption="Reports"
            columns={[
              { title: 'Report' },
              { title: 'State' },
              { title: 'From' },
              { title: 'What' },
              { title: 'Received' },
            ]}
            rows={page.rows.map((one) => [
              <div>
                <a href={`/exposures/${one.reference}`}>
                  <b>{one.reference}</b>
                </a>
                {one.triageReason && <div class="small">{one.triageReason}</div>}
              </div>,
              <span class="line tight">
                <StateChip state={one.state} />
                {one.publiclyLeaked && <Chip tone="live">public</Chip>}
                {one.dismissalAsked && one.state === 'triage' && <Chip tone="wait">dismissal asked</Chip>}
              </span>,
              one.sourceName,
              one.incidentReference ? (
                <a href={`/incidents/${one.incidentReference}`}>
                  {one.credentialName ?? one.incidentReference}
                </a>
              ) : (
                (one.kind && words(one.kind)) || <span class="soft">unknown</span>
              ),
              <At at={one.receivedAt} />,
            ])}
          />
        )}
        <Pager
          path="/exposures"
          query={{ show: show === 'triage' ? undefined : show, incident }}
          next={page.next}
          first={first}
        />
      </section>
    </Page>
  );
}

export function ExposurePageView({
  frame,
  exposure,
  refused,
}: {
  frame: Frame;
  exposure: ExposureLine & { foundAt: readonly FoundAt[] };
  refused?: { form: 'dismiss' | 'match'; problems: FormProblems; typed: Readonly<Record<string, string>> };
}) {
  const problems = (form: 'dismiss' | 'match') => (refused?.form === form ? refused.problems : undefined);
  const typed = (form: 'dismiss' | 'match', name: string) =>
    refused?.form === form ? (refused.typed[name] ?? '') : '';
  const open = exposure.state === 'triage' && frame.may('incidents:act');
  return (
    <Page title={exposure.reference} frame={frame} crumbs={[{ title: 'Reports', path: '/exposures' }]}>
      <div class="head">
        <div>
          <h1>{exposure.reference}</h1>
          {exposure.triageReason && <p class="lead">{exposure.triageReason}</p>}
        </div>
        <StateChip state={exposure.state} />
      </div>
      <div class="grid">
        <section class="card w6">
          <h2>What was reported</h2>
          <Facts
            facts={[
              ['by', exposure.sourceName],
              ['received', <At at={exposure.receivedAt} />],
              ['kind', exposure.kind ? words(exposure.kind) : '–'],
              ['id at the supplier', <span class="mono">{exposure.supplierId ?? '–'}</span>],
              ['place', <span class="mono">{exposure.place ?? '–'}</span>],
              ['public', exposure.publiclyLeaked ? 'yes' : 'not known'],
              ...(exposure.incidentReference
                ? ([
                    [
                      'incident',
                      <a href={`/incidents/${exposure.incidentReference}`}>{exposure.incidentReference}</a>,
                    ],
                  ] as const)
                : []),
            ]}
          />
          {exposure.foundAt.length > 0 && (
            <>
              <h3>Found at</h3>
              <ul class="plain">
                {exposure.foundAt.map((place) => (
                  <li>
                    {words(place.type)} <span class="mono soft">{place.path ?? place.url}</span>
                    {place.line !== null && ` line ${place.line}`}
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
        {open && (
          <div class="w6 rows">
            <section class="card">
              <h2>It is this credential</h2>
              <p class="soft small">
                The incident begins at once, and what was agreed for the credential runs.
              </p>
              <PostForm
                frame={frame}
                action={`/exposures/${exposure.reference}/match`}
                label="It is this credential"
              >
                <FormError problems={problems('match')} />
                <Field
                  name="credential"
                  label="Credential"
                  hint="Its reference, from its page."
                  required
                  value={typed('match', 'credential')}
                  problem={problems('match')?.['credential']}
                />
                <Field
                  name="version"
                  label="Version"
                  hint="Nothing for the one in use."
                  value={typed('match', 'version')}
                  problem={problems('match')?.['version']}
                />
                <Field
                  name="reason"
                  idPrefix="match-"
                  label="Why"
                  required
                  value={typed('match', 'reason')}
                  problem={problems('match')?.['reason']}
                />
                <p class="actions">
                  <button type="submit">Begin the incident</button>
                </p>
              </PostForm>
            </section>
            <section class="card">
              <h2>It is nothing</h2>
              <p class="soft small">
                {exposure.dismissalAsked
                  ? 'Somebody has asked for it; you decide.'
                  : 'You ask; a second person decides.'}
              </p>
              <PostForm
                frame={frame}
                action={`/exposures/${exposure.reference}/dismiss`}
                label="It is nothing"
              >
                <FormError problems={problems('dismiss')} />
                <Field
                  name="reason"
                  idPrefix="dismiss-"
                  label="Why"
                  required
                  value={typed('dismiss', 'reason')}
                  problem={problems('dismiss')?.['reason']}
                />
                <p class="actions">
                  <button class="plain" type="submit">
                    Dismiss
                  </button>
                </p>
              </PostForm>
            </section>
          </div>
        )}
      </div>
    </Page>
  );
}
