import type { ContainmentReason } from '../../domain/revocation/containment.rules.ts';
import { STATEMENTS } from '../runbooks/step.schema.ts';
import { Choice, Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty, Facts } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { CarriedRisk, IncidentItem, ShownLook, SignedStatement } from './answer.queries.ts';
import { Looks } from './looks.view.tsx';
import type { RoomHead } from './room.queries.ts';

/** A form that was refused, with what was typed into it. */
export interface AnswerForm {
  form: 'risk' | 'end' | 'sign';
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}

interface Model {
  frame: Frame;
  head: RoomHead;
  item: IncidentItem;
  reasons: readonly ContainmentReason[];
  looks: readonly ShownLook[];
  statements: readonly SignedStatement[];
  risks: readonly CarriedRisk[];
  /** The account that looks. */
  you: string;
  refused?: AnswerForm;
}

export function AnswerView(model: Model) {
  const { frame, head, item, reasons } = model;
  const title = item.copy?.name ?? item.credentialName;
  return (
    <Page
      title={title}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
        ...(frame.may('incidents:act')
          ? [{ title: 'Decide', path: `/incidents/${head.reference}/decide` }]
          : []),
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{item.copy ? 'A copy of an exposed credential' : 'An exposed credential'}</p>
          <h1>{title}</h1>
          <p class="lead">{head.title}</p>
        </div>
      </div>
      <div class="grid">
        <section class="card w6">
          <h2>What it is</h2>
          <Facts
            facts={[
              [
                'credential',
                <a href={`/credentials/${item.credentialReference}`}>
                  {item.credentialName}, {item.versions.map(({ number }) => `version ${number}`).join(', ')}
                </a>,
              ],
              ['integration', item.integrationName],
              ...(item.copy
                ? ([
                    ['kind of place', words(item.copy.kind)],
                    ['where', <span class="mono">{item.copy.path || '–'}</span>],
                    ['kept by', item.copy.partyName],
                  ] as const)
                : []),
            ]}
          />
          <h3>What stands between it and the end</h3>
          {reasons.length === 0 ? (
            <Empty>
              {item.copy?.method === 'owner_statement'
                ? 'Nothing: somebody has signed that it is gone. No machine has looked.'
                : 'Nothing: it is proven.'}
            </Empty>
          ) : (
            <ul class="plain">
              {reasons.map((one) => (
                <li>
                  {one.message}{' '}
                  <Chip tone={one.covered ? 'dead' : one.state === 'open' ? 'live' : 'doubt'}>
                    {one.covered ? 'answered for' : words(one.state)}
                  </Chip>
                </li>
              ))}
            </ul>
          )}
          <Looks looks={model.looks} />
          <OnRecord {...model} />
        </section>
        <div class="w6 rows">
          {frame.may('incidents:act') && frame.may('statements:sign') && item.copy?.provable !== 'no' && (
            <SignForm {...model} />
          )}
          {frame.may('risks:accept') && <RiskForm {...model} />}
        </div>
      </div>
    </Page>
  );
}

function OnRecord({ statements, risks }: Model) {
  const carried = risks.filter(({ acceptedBy }) => acceptedBy !== null);
  if (statements.length === 0 && carried.length === 0) return null;
  return (
    <>
      <h3>On record</h3>
      <ul class="plain">
        {carried.map((one) => (
          <li>
            {one.acceptedBy} carries the risk until <At at={one.until} />, asked for by {one.askedBy}:{' '}
            {one.reason}
          </li>
        ))}
        {statements.map((one) => (
          <li>
            {one.signsFor} signed on <At at={one.at} /> that{' '}
            {STATEMENTS[one.kind as keyof typeof STATEMENTS] ?? words(one.kind)}.
          </li>
        ))}
      </ul>
    </>
  );
}

function SignForm({ frame, head, item, refused }: Model) {
  const own = refused?.form === 'sign' ? refused : undefined;
  return (
    <section class="card">
      <h2>Sign a statement</h2>
      <p class="soft small">
        Your name stands for it. It is kept word for word, with its hash in the ledger; it never counts as
        proof by machine.
      </p>
      <PostForm
        frame={frame}
        action={`/incidents/${head.reference}/items/${item.kind}/${item.id}/sign`}
        label="Sign a statement"
      >
        <FormError problems={own?.problems} />
        {item.copy ? (
          <input type="hidden" name="kind" value="copy_gone" />
        ) : (
          <Choice
            name="kind"
            label="You state that"
            value={own?.typed['kind'] ?? 'sessions_ended'}
            options={(['revoked', 'replaced', 'sessions_ended', 'not_affected'] as const).map((one) => ({
              value: one,
              word: STATEMENTS[one],
            }))}
          />
        )}
        <Field
          name="signsFor"
          label="Your name and position"
          value={own?.typed['signsFor'] ?? frame.userName ?? ''}
          required
          problem={own?.problems['signsFor']}
        />
        <Field
          name="text"
          label="What was done, by whom and when"
          type="area"
          value={own?.typed['text'] ?? ''}
          required
          problem={own?.problems['text']}
        />
        <p class="actions">
          <button type="submit">Sign</button>
        </p>
      </PostForm>
    </section>
  );
}

function RiskForm(model: Model) {
  const { frame, head, item, risks, you, refused } = model;
  const own = refused?.form === 'risk' ? refused : undefined;
  const asked = risks.find(({ acceptedBy }) => acceptedBy === null);
  const yours = asked?.userId === you;
  return (
    <section class="card">
      <h2>Accept the risk until a date</h2>
      <p class="soft small">
        {asked ? (
          <>
            {asked.askedBy} has asked for it until <At at={asked.until} />: {asked.reason}{' '}
            {yours ? 'A second person has to accept it.' : 'You accept it, until then or sooner.'}
          </>
        ) : (
          'You ask for it, a second person accepts it. It ends on that date, and counts no longer.'
        )}
      </p>
      <FormError problems={own?.problems} />
      {!yours && (
        <PostForm
          frame={frame}
          action={`/incidents/${head.reference}/items/${item.kind}/${item.id}/risk`}
          label="Accept the risk until a date"
        >
          <Field
            name="until"
            label="Until the end of"
            type="date"
            value={own?.typed['until'] ?? (asked ? new Date(asked.until).toISOString().slice(0, 10) : '')}
            required
            problem={own?.problems['until']}
          />
          <Field
            name="reason"
            idPrefix="risk-"
            label="Why it can be carried"
            type="area"
            value={own?.typed['reason'] ?? ''}
            required
            problem={own?.problems['reason']}
          />
          <p class="actions">
            <button type="submit">{asked ? 'Accept the risk' : 'Ask for it'}</button>
          </p>
        </PostForm>
      )}
      {asked && <EndForm {...model} requestId={asked.requestId!} yours={yours} />}
    </section>
  );
}

/** Whoever asked takes it back, anybody else refuses it. */
function EndForm({
  frame,
  head,
  item,
  refused,
  requestId,
  yours,
}: Model & { requestId: string; yours: boolean }) {
  const own = refused?.form === 'end' ? refused : undefined;
  const label = yours ? 'Withdraw it' : 'Refuse it';
  return (
    <PostForm
      frame={frame}
      action={`/incidents/${head.reference}/items/${item.kind}/${item.id}/risk-request`}
      label={label}
    >
      <FormError problems={own?.problems} />
      <input type="hidden" name="request" value={requestId} />
      <input type="hidden" name="how" value={yours ? 'withdrawn' : 'refused'} />
      <Field
        name="reason"
        idPrefix="end-"
        label={yours ? 'Why you take it back' : 'Why it cannot be carried'}
        type="area"
        value={own?.typed['reason'] ?? ''}
        required
        problem={own?.problems['reason']}
      />
      <p class="actions">
        <button type="submit" class="plain">
          {label}
        </button>
      </p>
    </PostForm>
  );
}
