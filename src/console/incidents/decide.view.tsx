import type { FieldProblem } from '../../kernel/errors.ts';
import { TRANSITIONS, type IncidentState } from '../../domain/incidents/incident.rules.ts';
import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { StateChip } from '../shared/states.tsx';
import type { RoomHead } from './room.queries.ts';

type Decision = 'dismiss' | 'recover' | 'close';

const DECISIONS: readonly {
  decision: Decision;
  title: string;
  lead: string;
  button: string;
  danger?: boolean;
}[] = [
  {
    decision: 'recover',
    title: 'Begin the recovery',
    lead: 'Everything is proven dead and gone; the business is put back in order.',
    button: 'Begin',
  },
  {
    decision: 'close',
    title: 'Close',
    lead: 'Refused while anything is open, or unproven without a signed statement or a risk acceptance, and while what the credentials reached is not settled.',
    button: 'Close the incident',
  },
  {
    decision: 'dismiss',
    title: 'Dismiss',
    lead: 'It was no leak. The first person asks, a second one decides; impossible once anything was revoked.',
    button: 'Dismiss',
    danger: true,
  },
];

export function DecideView({
  frame,
  head,
  refused,
}: {
  frame: Frame;
  head: RoomHead;
  refused?: {
    decision: Decision;
    problems: FormProblems;
    left: readonly FieldProblem[];
    typed: Readonly<Record<string, string>>;
  };
}) {
  const possible = TRANSITIONS[head.state as IncidentState];
  const shown = DECISIONS.filter(
    ({ decision }) => possible[decision] !== undefined || refused?.decision === decision,
  );
  return (
    <Page
      title={`Decide on ${head.reference}`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Decide</h1>
          <p class="lead">{head.title}</p>
        </div>
        <StateChip state={head.state} />
      </div>
      {shown.length === 0 && (
        <p class="card empty">Nothing is left to decide: the incident is {head.state}.</p>
      )}
      <div class="grid">
        {shown.map(({ decision, title, lead, button, danger }) => {
          const own = refused?.decision === decision ? refused : undefined;
          return (
            <section class="card w6">
              <h2>{title}</h2>
              <p class="soft small">{lead}</p>
              <PostForm frame={frame} action={`/incidents/${head.reference}/${decision}`} label={title}>
                <FormError problems={own?.problems} />
                {own && own.left.length > 0 && (
                  <ul>
                    {own.left.map((one) => (
                      <li>
                        {one.problem}. <span class="soft">{one.mend}</span>{' '}
                        {itemPath(head.reference, one.field) && (
                          <a href={itemPath(head.reference, one.field)}>Answer for it</a>
                        )}
                      </li>
                    ))}
                  </ul>
                )}
                <Field
                  name="reason"
                  idPrefix={`${decision}-`}
                  label="Why"
                  type="area"
                  required
                  value={own?.typed['reason'] ?? ''}
                  problem={own?.problems['reason']}
                />
                <p class="actions">
                  <button class={danger ? 'danger' : undefined} type="submit">
                    {button}
                  </button>
                </p>
              </PostForm>
            </section>
          );
        })}
      </div>
    </Page>
  );
}

/** Where a person answers for what the refusal names as `version <id>`, `copy <id>` or `downstream <id>`. */
function itemPath(reference: string, field: string): string | undefined {
  const [, kind, id] = /^(version|copy|downstream) ([0-9a-f-]{36})$/.exec(field) ?? [];
  if (kind === 'downstream') return `/downstream/${id}`;
  return kind && id ? `/incidents/${reference}/items/${kind}/${id}` : undefined;
}
