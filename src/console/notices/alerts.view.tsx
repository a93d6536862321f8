import { alertWords } from '../../domain/notices/alert-words.rules.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { At, Tabs } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import type { AlertLine } from './alerts.queries.ts';

const SEVERITY: Readonly<Record<AlertLine['severity'], Tone>> = {
  critical: 'live',
  warning: 'wait',
  info: 'info',
};

export function AlertsView({
  frame,
  show,
  page,
  first,
}: {
  frame: Frame;
  show: 'open' | 'handled';
  page: Listed<AlertLine>;
  first: boolean;
}) {
  return (
    <Page title="Alerts" frame={frame}>
      <div class="head">
        <div>
          <h1>Alerts</h1>
          <p class="lead">What somebody of the operator should look at. An alert is no duty; a notice is.</p>
        </div>
      </div>
      <Tabs
        label="Alerts"
        here={show === 'open' ? '/alerts' : '/alerts?show=handled'}
        tabs={[
          { title: 'Open', path: '/alerts' },
          { title: 'Handled', path: '/alerts?show=handled' },
        ]}
      />
      <section class="card">
        <AlertList alerts={page.rows} frame={frame} />
        <Pager
          path="/alerts"
          query={{ show: show === 'open' ? undefined : show }}
          next={page.next}
          first={first}
        />
      </section>
    </Page>
  );
}

export function AlertList({ alerts, frame }: { alerts: readonly AlertLine[]; frame: Frame }) {
  if (alerts.length === 0) return <p class="empty">Nothing here.</p>;
  return (
    <ul class="asks">
      {alerts.map((alert) => (
        <li>
          <div class="what">
            <div class="line tight">
              <Chip tone={SEVERITY[alert.severity]}>{alert.severity}</Chip>
              <b>{words(alert.kind.replace('.', ': '))}</b>
              {alert.occurrences > 1 && <span class="soft small">{alert.occurrences} times</span>}
            </div>
            <div>
              {alert.path ? <a href={alert.path}>{alertWords(alert.message)}</a> : alertWords(alert.message)}
            </div>
            <div class="soft small">
              last <At at={alert.lastAt} />
              {alert.handledAt !== null && (
                <>
                  , handled by {alert.handledBy} <At at={alert.handledAt} />
                </>
              )}
            </div>
          </div>
          {alert.handledAt === null && frame.may('operations:act') && (
            <PostForm
              frame={frame}
              action={`/alerts/${alert.id}/handled`}
              inline
              label={`Alert: ${alert.message.slice(0, 80)}`}
            >
              <button class="plain small" type="submit">
                Handled
              </button>
            </PostForm>
          )}
        </li>
      ))}
    </ul>
  );
}
