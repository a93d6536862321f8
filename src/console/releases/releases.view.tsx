import { PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, Empty, span } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { AskedCheckout, AskedPermission, ConsentGrant } from './releases.queries.ts';

const HOURS = [
  { value: '0', word: 'ask me each time' },
  { value: '1', word: '1 hour' },
  { value: '8', word: '8 hours' },
  { value: '24', word: 'a day' },
  { value: '168', word: 'a week' },
];

export function ReleasesView({
  frame,
  people,
  checkouts,
  windows,
  problem,
}: {
  frame: Frame;
  people: readonly AskedPermission[];
  checkouts: readonly AskedCheckout[];
  windows: readonly ConsentGrant[];
  problem: string | undefined;
}) {
  return (
    <Page title="Releases" frame={frame} crumbs={[{ title: 'Work', path: '/work' }]}>
      <div class="head">
        <div>
          <h1>Releases that wait</h1>
          <p class="lead">
            People who ask to see a value, and machines that check one out with your consent.
          </p>
        </div>
      </div>
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      <div class="grid">
        <section class="card w12">
          <h2>
            Machines that wait for you <span class="aside">{checkouts.length}</span>
          </h2>
          {checkouts.length === 0 && <Empty>No machine waits for your consent.</Empty>}
          <ul class="asks">
            {checkouts.map((one) => (
              <li>
                <div class="what">
                  <b>{one.machine}</b> <span class="ref">{one.machineReference}</span>
                  {' wants '}
                  <a href={`/credentials/${one.credentialReference}/value`}>{one.credentialName}</a>
                  {` for ${span(one.seconds * 1000)}: ${one.purpose}`}
                  <div class="line tight small">
                    <Countdown dueAt={one.answerUntil} now={frame.now} />
                    <span class="soft">{one.integrationName}</span>
                  </div>
                </div>
                <Answer
                  frame={frame}
                  action={`/releases/checkouts/${one.id}`}
                  what={one.machine}
                  yes="Consent"
                />
              </li>
            ))}
          </ul>
        </section>
        <section class="card w12">
          <h2>
            People who ask to see a value <span class="aside">{people.length}</span>
          </h2>
          {people.length === 0 && <Empty>Nobody asks.</Empty>}
          <ul class="asks">
            {people.map((one) => (
              <li>
                <div class="what">
                  <b>{one.person}</b>
                  {' asks for '}
                  <a href={`/credentials/${one.credentialReference}/value`}>{one.credentialName}</a>
                  {`, ${span(one.minutes * 60_000)} long`}
                  <div>{one.reason}</div>
                  <div class="soft small">
                    asked <At at={one.askedAt} />
                  </div>
                </div>
                {one.own ? (
                  <Chip tone="wait">somebody else decides</Chip>
                ) : (
                  <Answer
                    frame={frame}
                    action={`/releases/permissions/${one.id}`}
                    what={one.person}
                    yes="Give it"
                  />
                )}
              </li>
            ))}
          </ul>
        </section>
        {windows.length > 0 && (
          <section class="card w12">
            <h2>Windows in which nobody asks you</h2>
            <ul class="asks">
              {windows.map((one) => (
                <li>
                  <div class="what">
                    <b>{one.machine}</b>
                    {': '}
                    <a href={`/credentials/${one.credentialReference}/value`}>{one.credentialName}</a>
                    {`, ${one.purpose}`}
                    <div class="line tight small">
                      {one.consentUntil !== null && one.consentUntil > frame.now ? (
                        <>
                          <Chip tone="live">passes unasked</Chip>
                          <span class="soft">
                            until <At at={one.consentUntil} />
                          </span>
                        </>
                      ) : (
                        <Chip tone="dead">asks you each time</Chip>
                      )}
                    </div>
                  </div>
                  <PostForm
                    frame={frame}
                    action={`/releases/grants/${one.id}/window`}
                    label={`Window of ${one.machine}`}
                  >
                    <div class="line">
                      <SelectField name="hours" label="Let it pass" options={HOURS} idPrefix={one.id} />
                      <button type="submit" class="small plain">
                        Set
                      </button>
                    </div>
                  </PostForm>
                </li>
              ))}
            </ul>
          </section>
        )}
      </div>
    </Page>
  );
}

function Answer({ frame, action, what, yes }: { frame: Frame; action: string; what: string; yes: string }) {
  return (
    <PostForm frame={frame} action={action} label={`Answer ${what}`} inline>
      <button type="submit" name="answer" value="yes" class="small">
        {yes}
      </button>{' '}
      <button type="submit" name="answer" value="no" class="small plain">
        Refuse
      </button>
    </PostForm>
  );
}
