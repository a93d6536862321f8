import type { UpdateCadenceView } from '../../domain/incidents/update-cadence.schema.ts';
import type { Millis } from '../../kernel/time.ts';
import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, DataTable, Empty } from '../shared/parts.tsx';

/** How often those who were told hear again, in one line, and who waits for it next. */
export function UpdateLine({
  reference,
  updates,
  now,
}: {
  reference: string;
  updates: UpdateCadenceView;
  now: Millis;
}) {
  const [next] = updates.told;
  return (
    <p class="soft small">
      Those who were told hear again <a href={`/incidents/${reference}/updates`}>{everyWords(updates)}</a>
      {next && (
        <>
          : {next.partyName} next, <Countdown dueAt={Date.parse(next.dueAt)} now={now} />
        </>
      )}
      .
    </p>
  );
}

function everyWords({ everyHours, setByHand, severity }: UpdateCadenceView): string {
  const hours = everyHours === 1 ? 'every hour' : `every ${everyHours} hours`;
  return setByHand ? `${hours}, as set here` : `${hours}, as its severity (${severity}) says`;
}

export function UpdatesView({
  frame,
  reference,
  updates,
  now,
  refused,
}: {
  frame: Frame;
  reference: string;
  updates: UpdateCadenceView;
  now: Millis;
  refused?: { problems: FormProblems; typed: Readonly<Record<string, string>> } | undefined;
}) {
  return (
    <Page
      title={`Updates on ${reference}`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: reference, path: `/incidents/${reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{reference}</p>
          <h1>Updates</h1>
          <p class="lead">
            Whoever was told of an open case hears how it stands {everyWords(updates)}. Whoever is on call is
            reminded to write, until something goes out.
          </p>
        </div>
      </div>
      <div class="grid">
        <section class="card w8">
          <h2>Who waits to hear</h2>
          {updates.told.length === 0 ? (
            <Empty>Nobody was told of a case that is open.</Empty>
          ) : (
            <DataTable
              caption="Who waits to hear"
              columns={[{ title: 'Party' }, { title: 'Heard last' }, { title: 'Next by' }]}
              rows={updates.told.map((one) => [
                <div>
                  {one.partyName}
                  <div class="soft small">{one.caseReference}</div>
                </div>,
                <At at={Date.parse(one.lastAt)} />,
                <div>
                  <Countdown dueAt={Date.parse(one.dueAt)} now={now} />
                  <div class="soft small">
                    <At at={Date.parse(one.dueAt)} />
                  </div>
                </div>,
              ])}
            />
          )}
        </section>
        {frame.may('incidents:act') && (
          <section class="card w4">
            <h2>How often</h2>
            <PostForm frame={frame} action={`/incidents/${reference}/updates`} label="How often they hear">
              <FormError problems={refused?.problems} />
              <Field
                name="everyHours"
                label="Every so many hours"
                hint={`1 to 720; empty: as its severity (${updates.severity}) says.`}
                value={refused?.typed['everyHours'] ?? (updates.setByHand ? String(updates.everyHours) : '')}
                problem={refused?.problems['everyHours']}
                maxLength={3}
              />
              <p class="actions">
                <button type="submit">Save</button>
              </p>
            </PostForm>
          </section>
        )}
      </div>
    </Page>
  );
}
