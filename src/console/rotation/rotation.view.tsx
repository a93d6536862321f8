import type { RotationView } from '../../domain/rotation/rotation.schema.ts';
import type { StepView } from '../../domain/runbooks/run.schema.ts';
import type { Asked } from '../runbooks/work.queries.ts';
import { Waiting } from '../incidents/room-work.view.tsx';
import { TimeStrips } from '../shared/charts.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, Empty, Facts, ShareBar } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import { Acts } from './acts.view.tsx';
import { Places } from './places.view.tsx';
import type { RefusedForm } from './refused-form.ts';
import { OLD, STATES } from './words.ts';

const PHASES: Readonly<Record<string, Tone>> = {
  pending: 'info',
  active: 'dead',
  overlap: 'wait',
  retired: 'calm',
};
const ISSUES: Readonly<Record<string, Tone>> = {
  issued: 'dead',
  unknown: 'live',
  orphaned: 'doubt',
  rejected: 'live',
  asked: 'wait',
};
const at = (text: string | null) => (text === null ? null : Date.parse(text));

export function RotationPageView({
  frame,
  rotation,
  waits,
  refused,
}: {
  frame: Frame;
  rotation: RotationView;
  /** Steps that do not go on without a person. */
  waits?: { steps: readonly StepView[]; asked: Asked };
  refused?: RefusedForm;
}) {
  const { credential, places, issues } = rotation;
  return (
    <Page
      title={`${rotation.reference}, rotation of ${credential.name}`}
      frame={frame}
      crumbs={[
        { title: 'Rotations', path: '/rotations' },
        { title: credential.name, path: `/credentials/${credential.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{rotation.reference}</p>
          <h1>{`Rotation of ${credential.name}`}</h1>
          <p class="lead">{rotation.reason}</p>
        </div>
        <p class="line">
          <Chip tone={STATES[rotation.state].tone}>{STATES[rotation.state].word}</Chip>
          {rotation.emergency && <Chip tone="live">emergency: no overlap</Chip>}
          {rotation.oldFate === 'dies' && <Chip tone="doubt">no way back once made</Chip>}
          <Chip tone={OLD[rotation.oldStanding] ?? 'calm'}>{`old version: ${rotation.oldStanding}`}</Chip>
        </p>
      </div>
      <div class="grid">
        <div class="w8 rows">
          {waits && waits.steps.length > 0 && (
            <section class="card">
              <h2>Waits for a person now</h2>
              <Waiting {...waits} frame={frame} back="/work" />
            </section>
          )}
          <section class="card">
            <h2>The two versions</h2>
            <TimeStrips label="The two versions over time" now={frame.now} strips={strips(rotation)} />
            {rotation.state === 'overlap' && (
              <p class="line">
                Both work. The old one has <Countdown dueAt={at(rotation.overlapUntil)} now={frame.now} />
                <span class="soft small">
                  at <At at={at(rotation.overlapUntil)} />
                </span>
              </p>
            )}
          </section>
          <section class="card">
            <h2>
              Which places still hold the old one <span class="aside">{rotation.behind}</span>
            </h2>
            {places.length === 0 ? (
              <Empty>No copy of it is recorded: nobody knows what uses it.</Empty>
            ) : (
              <>
                <ShareBar label="Places" parts={shares(rotation)} />
                <Places frame={frame} rotation={rotation} refused={refused} />
              </>
            )}
          </section>
          {issues.length > 0 && (
            <section class="card">
              <h2>What the supplier was asked for</h2>
              <ul class="plain">
                {issues.map((one) => (
                  <li>
                    <span class="line tight">
                      <Chip tone={ISSUES[one.state] ?? 'calm'}>{words(one.state)}</Chip>
                      <span class="mono small">{one.label}</span>
                      <span class="soft small">
                        <At at={Date.parse(one.askedAt)} />
                      </span>
                    </span>
                    {one.why && <div class="soft small">{one.why}</div>}
                  </li>
                ))}
              </ul>
            </section>
          )}
        </div>
        <div class="w4 rows">
          <Acts frame={frame} rotation={rotation} refused={refused} />
          <section class="card">
            <h2>How it went</h2>
            <Facts
              facts={[
                ['recipe', words(rotation.recipe.replaceAll('-', ' '))],
                ['made', rotation.madeBy === 'machine' ? 'by machine' : 'by a person'],
                ['opened', <At at={at(rotation.openedAt)} />],
                ['stored', <At at={at(rotation.storedAt)} />],
                [
                  'seen to work',
                  rotation.validatedHow === 'statement' ? (
                    <>
                      <At at={at(rotation.validatedAt)} /> <Chip tone="doubt">a person’s word</Chip>
                    </>
                  ) : (
                    <At at={at(rotation.validatedAt)} />
                  ),
                ],
                ['revoke asked for', <At at={at(rotation.revokingAt)} />],
                ['old one dead', <At at={at(rotation.oldEndedAt)} />],
                ['ended', <At at={at(rotation.closedAt)} />],
                ...(rotation.why ? [['why', rotation.why] as const] : []),
              ]}
            />
          </section>
        </div>
      </div>
    </Page>
  );
}

/** Old above new: each from when it was in use until it ends, or is to end. */
function strips(rotation: RotationView) {
  const { old, overlapUntil, oldEndedAt } = rotation;
  const strip = (version: RotationView['old'], until: number | null) => ({
    name: `version ${version.number}`,
    word: version.liveness === 'dead' ? 'dead' : version.phase,
    tone: version.liveness === 'dead' ? ('calm' as const) : (PHASES[version.phase] ?? ('calm' as const)),
    from: at(version.activatedAt),
    until,
  });
  return [
    strip(old, at(oldEndedAt) ?? at(overlapUntil)),
    ...(rotation.new
      ? [
          {
            ...strip(rotation.new, at(rotation.new.retiredAt) ?? at(rotation.new.expiresAt)),
            from: at(rotation.storedAt),
          },
        ]
      : []),
  ];
}

function shares({ places }: RotationView) {
  const count = (of: (place: RotationView['places'][number]) => boolean) => places.filter(of).length;
  const left = (place: RotationView['places'][number]) => place.answer === 'left';
  return [
    { tone: 'dead' as const, count: count((one) => one.holds === 'new'), word: 'hold the new one' },
    {
      tone: 'wait' as const,
      count: count((one) => one.holds === 'old' && !left(one)),
      word: 'hold the old one',
    },
    {
      tone: 'doubt' as const,
      count: count((one) => (one.holds === 'unknown' || one.holds === 'other') && !left(one)),
      word: 'not known',
    },
    { tone: 'calm' as const, count: count(left), word: 'left as they are' },
  ];
}
