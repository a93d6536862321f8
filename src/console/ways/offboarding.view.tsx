import type { OffboardingView } from '../../domain/policy/onboarding.schema.ts';
import type { IntegrationHead } from '../integrations/integration.queries.ts';
import { Field, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty, Facts } from '../shared/parts.tsx';
import { Chip, StateChip } from '../shared/states.tsx';
import { WaySteps } from './way-steps.tsx';

export interface OffboardingModel {
  head: IntegrationHead;
  offboarding: OffboardingView | undefined;
  actors: ReadonlyMap<string, string>;
}

export function OffboardingPageView({
  frame,
  model: { head, offboarding, actors },
  problem,
  problems,
}: {
  frame: Frame;
  model: OffboardingModel;
  problem?: string;
  problems?: FormProblems;
}) {
  const open = offboarding?.state === 'open';
  return (
    <Page
      title={`Offboarding of ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Portfolio', path: '/portfolio' },
        { title: head.name, path: `/integrations/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Offboarding</h1>
          <p class="lead">
            It ends when each credential is proven dead and each copy accounted for, or somebody carries the
            risk by name.
          </p>
        </div>
        <p class="line">
          <StateChip state={head.state} of="integration" />
          {offboarding && <Chip tone={open ? 'wait' : 'calm'}>{`offboarding ${offboarding.state}`}</Chip>}
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
            {offboarding ? <WaySteps steps={offboarding.steps} /> : <Empty>Nobody has ended it.</Empty>}
          </section>
          {open && (
            <section class="card">
              <h2>
                What holds it open <span class="aside">{offboarding.holdsOpen.length}</span>
              </h2>
              {offboarding.holdsOpen.length === 0 ? (
                <Empty>Nothing any more.</Empty>
              ) : (
                <ul>
                  {offboarding.holdsOpen.map((one) => (
                    <li>{one}</li>
                  ))}
                </ul>
              )}
            </section>
          )}
        </div>
        <div class="w5 rows">
          {offboarding && (
            <section class="card">
              <h2>Who and why</h2>
              <Facts
                facts={[
                  ['ended by', actors.get(offboarding.requestedBy) ?? offboarding.requestedBy],
                  ['when', <At at={Date.parse(offboarding.requestedAt)} />],
                  ['why', offboarding.reason],
                ]}
              />
            </section>
          )}
          {!open && head.state !== 'retired' && frame.may('gate:open') && (
            <section class="card">
              <h2>End it</h2>
              <PostForm
                frame={frame}
                action={`/integrations/${head.reference}/offboarding`}
                label="Start the offboarding"
              >
                <p class="small">
                  It leaves production at once. When a second person has confirmed, every credential of it is
                  revoked at its supplier, and both sides are told.
                </p>
                <Field
                  name="reason"
                  label="Why it ends"
                  type="area"
                  required
                  maxLength={2000}
                  problem={problems?.['reason']}
                />
                <button type="submit">Start the offboarding</button>
              </PostForm>
            </section>
          )}
        </div>
      </div>
    </Page>
  );
}
