import type { OnboardingView, ScopeLine } from '../../domain/policy/onboarding.schema.ts';
import type { IntegrationHead } from '../integrations/integration.queries.ts';
import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty, Facts } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import { WaySteps } from './way-steps.tsx';
import type { ContactLine, PartnerLine } from './ways.queries.ts';

export interface OnboardingModel {
  head: IntegrationHead;
  onboarding: OnboardingView | undefined;
  partners: readonly (PartnerLine & { operator: boolean })[];
  actors: ReadonlyMap<string, string>;
}

export function OnboardingPageView({
  frame,
  model,
  problem,
  problems,
}: {
  frame: Frame;
  model: OnboardingModel;
  problem?: string;
  problems?: FormProblems;
}) {
  const { head, onboarding } = model;
  const base = `/integrations/${head.reference}/onboarding`;
  const open = onboarding?.state === 'open';
  return (
    <Page
      title={`Onboarding of ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Portfolio', path: '/portfolio' },
        { title: head.name, path: `/integrations/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Onboarding</h1>
          <p class="lead">
            The way into production. Steps go on by themselves once what they wait for is there; the gate
            decides at the end.
          </p>
        </div>
        <p class="line">
          <StateChip state={head.state} of="integration" />
          {onboarding && <Chip tone={open ? 'wait' : 'calm'}>{`onboarding ${onboarding.state}`}</Chip>}
        </p>
      </div>
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      <div class="grid">
        <div class="w7 rows">
          <section class="card">
            <h2>How far it is</h2>
            {onboarding ? <WaySteps steps={onboarding.steps} /> : <Empty>It was never onboarded here.</Empty>}
          </section>
          {onboarding && onboarding.scopes.length > 0 && (
            <section class="card" id="scopes">
              <h2>
                Scopes <span class="aside">{onboarding.scopes.length}</span>
              </h2>
              <p class="soft small">
                Each needs a person’s word. What nobody justifies stays a finding of the gate.
              </p>
              <div class="rows">
                {onboarding.scopes.map((scope, at) => (
                  <ScopeCard frame={frame} base={base} scope={scope} at={at} open={open} model={model} />
                ))}
              </div>
            </section>
          )}
        </div>
        <div class="w5 rows">
          {!open && frame.may('portfolio:write') && (
            <section class="card">
              <h2>Start</h2>
              <PostForm frame={frame} action={base} label="Start the onboarding">
                <FormError problems={problems} />
                <Field
                  name="reason"
                  label="Why it is wanted"
                  type="area"
                  required
                  maxLength={2000}
                  problem={problems?.['reason']}
                />
                <p>
                  <label>
                    <input type="checkbox" name="fastPath" value="true" /> Fast path, for the lowest tier
                  </label>
                </p>
                <p class="soft small">
                  You take the part of the requester: somebody else admits it, issues, and opens the gate.
                </p>
                <button type="submit">Start the onboarding</button>
              </PostForm>
            </section>
          )}
          {onboarding && (
            <section class="card">
              <h2>Who and why</h2>
              <Facts
                facts={[
                  ['asked for by', model.actors.get(onboarding.requestedBy) ?? onboarding.requestedBy],
                  ['when', <At at={Date.parse(onboarding.requestedAt)} />],
                  ['why', onboarding.reason],
                  ...(onboarding.compensatingControl
                    ? [
                        [
                          'instead',
                          <>
                            {onboarding.compensatingControl.control} Until{' '}
                            <At at={Date.parse(onboarding.compensatingControl.until)} day />.
                          </>,
                        ] as const,
                      ]
                    : []),
                ]}
              />
            </section>
          )}
          <Partners frame={frame} base={base} partners={model.partners} />
        </div>
      </div>
    </Page>
  );
}

function ScopeCard({
  frame,
  base,
  scope,
  at,
  open,
  model,
}: {
  frame: Frame;
  base: string;
  scope: ScopeLine;
  at: number;
  open: boolean;
  model: OnboardingModel;
}) {
  return (
    <article class="rows tight">
      <p class="line">
        <span class="mono">{scope.scope}</span>
        <span class="soft small">{scope.credential}</span>
        <Chip tone={scope.decision === null ? 'wait' : scope.decision === 'justified' ? 'dead' : 'live'}>
          {scope.decision ?? 'undecided'}
        </Chip>
      </p>
      {(scope.description || scope.justification) && (
        <p class="small">
          {scope.description} <span class="soft">{scope.justification}</span>
        </p>
      )}
      {scope.decidedBy && (
        <p class="soft small">said by {model.actors.get(scope.decidedBy) ?? scope.decidedBy}</p>
      )}
      {open && frame.may('approvals:decide') && (
        <PostForm frame={frame} action={`${base}/scope`} label={`Decide on ${scope.scope}`}>
          <input type="hidden" name="credentialId" value={scope.credentialId} />
          <input type="hidden" name="scope" value={scope.scope} />
          <Field
            name="justification"
            label="What it is needed for"
            maxLength={2000}
            value={scope.justification}
            idPrefix={`scope-${at}-`}
          />
          <p class="line">
            <button type="submit" name="decision" value="justified">
              It is needed
            </button>
            <button type="submit" class="plain" name="decision" value="unjustified">
              It is not
            </button>
          </p>
        </PostForm>
      )}
    </article>
  );
}

function Partners({
  frame,
  base,
  partners,
}: {
  frame: Frame;
  base: string;
  partners: OnboardingModel['partners'];
}) {
  return (
    <section class="card" id="partners">
      <h2>Who they are, and who answers</h2>
      {partners.map((party) => (
        <article class="rows tight">
          <p class="line">
            <a href={`/parties/${party.reference}`}>
              <b>{party.name}</b>
            </a>
            {!party.operator && (
              <Chip tone={party.verifiedAt === null ? 'wait' : 'dead'}>
                {party.verifiedAt === null ? 'not verified' : 'verified'}
              </Chip>
            )}
            {party.verifiedAt !== null && (
              <span class="soft small">
                <At at={party.verifiedAt} day />: {party.statement}
              </span>
            )}
          </p>
          <ul class="plain">
            {party.contacts.map((contact) => (
              <Contact frame={frame} base={base} contact={contact} />
            ))}
            {party.contacts.length === 0 && <li class="soft small">No contact is on record.</li>}
          </ul>
          {!party.operator && party.verifiedAt === null && frame.may('gate:open') && (
            <PostForm frame={frame} action={`${base}/verify`} label={`Verify ${party.name}`}>
              <input type="hidden" name="partyId" value={party.id} />
              <label class="choice">
                <span>How you know</span>
                <select name="by">
                  {party.contacts
                    .filter(({ confirmedAt }) => confirmedAt !== null)
                    .map((contact) => (
                      <option value={contact.id}>{contact.name} answered, and I know them</option>
                    ))}
                  <option value="document">Register entry or signed contract</option>
                </select>
              </label>
              <Field
                name="statement"
                label="In one sentence, with your name"
                required
                maxLength={2000}
                idPrefix={party.id}
              />
              <p class="actions">
                <button type="submit" class="plain">
                  Record the verification
                </button>
              </p>
            </PostForm>
          )}
        </article>
      ))}
    </section>
  );
}

function Contact({ frame, base, contact }: { frame: Frame; base: string; contact: ContactLine }) {
  return (
    <li>
      <div class="line tight">
        <span>{contact.name}</span>
        <span class="soft small">{words(contact.role)}</span>
        {contact.confirmedAt === null ? (
          <Chip tone="wait">never confirmed</Chip>
        ) : (
          <span class="soft small">
            confirmed <At at={contact.confirmedAt} day />
          </span>
        )}
        {contact.askedAt !== null && (
          <span class="soft small">
            asked <At at={contact.askedAt} />
          </span>
        )}
        {frame.may('notices:write') && contact.email !== null && (
          <PostForm frame={frame} action={`${base}/ask/${contact.id}`} label={`Ask ${contact.name}`} inline>
            <button type="submit" class="plain small">
              Ask to confirm
            </button>
          </PostForm>
        )}
      </div>
    </li>
  );
}
