import { dueFrom, nextInWindow, shareOf, type Due } from '../../domain/rotation/cadence.rules.ts';
import type { CadenceLine } from '../../domain/rotation/cadences.queries.ts';
import type { RotationSettings } from '../../domain/rotation/settings.queries.ts';
import { Field, FormError, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At, Countdown, DataTable, Empty } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { RefusedForm } from './refused-form.ts';

const FROM: Readonly<Record<Due['because'], string>> = {
  schedule: 'its own interval',
  policy: 'the policy',
  expiry: 'its expiry',
};

/** How often each credential is rotated, what decides it, and when it is due next. */
export function Cadences({
  frame,
  path,
  setting,
  cadences,
  refused,
}: {
  frame: Frame;
  /** Of the page; the form of a credential goes to its reference below it. */
  path: string;
  setting: RotationSettings;
  cadences: readonly CadenceLine[];
  refused?: RefusedForm | undefined;
}) {
  if (cadences.length === 0) return <Empty>It has no credential.</Empty>;
  return (
    <DataTable
      caption="How often each credential is rotated"
      columns={[
        { title: 'Credential' },
        { title: 'What decides' },
        { title: 'Next' },
        { title: 'Its own interval' },
      ]}
      rows={cadences.map((one) => [
        <div>
          <a href={`/credentials/${one.reference}/rotation`}>{one.name}</a>
          <div class="soft small">{one.reference}</div>
        </div>,
        <Decides one={one} />,
        <Next one={one} setting={setting} now={frame.now} />,
        frame.may('portfolio:write') ? (
          <Own
            frame={frame}
            path={path}
            one={one}
            refused={refused?.form === one.reference ? refused : undefined}
          />
        ) : one.everyDays === null ? (
          <span class="soft">none</span>
        ) : (
          `every ${one.everyDays === 1 ? 'day' : `${one.everyDays} days`}`
        ),
      ])}
    />
  );
}

function Decides({ one }: { one: CadenceLine }) {
  const [first, ...later] = one.demands;
  if (!first) return <Undecided one={one} />;
  const shortened = first.because === 'schedule' && shareOf(one.risk) < 1;
  return (
    <div>
      <Chip tone="info">{shortened ? 'its own interval and its risk' : FROM[first.because]}</Chip>
      <div class="small">{first.why}</div>
      {later.map((due) => (
        <div class="soft small">
          {`later: ${due.why}, `}
          <At at={due.at} day />
        </div>
      ))}
    </div>
  );
}

/** Why there is no date. */
function Undecided({ one }: { one: CadenceLine }) {
  if (!one.inUse) return <Chip tone="calm">no version is in use</Chip>;
  if (one.since === null)
    return (
      <div>
        <Chip tone="doubt">cannot be told</Chip>
        <div class="small">Nobody has said since when its version is in use.</div>
      </div>
    );
  return (
    <div>
      <Chip tone="doubt">nothing</Chip>
      <div class="small">No interval, no policy and no expiry asks for it.</div>
    </div>
  );
}

function Next({ one, setting, now }: { one: CadenceLine; setting: RotationSettings; now: number }) {
  if (one.rotation !== null)
    return (
      <div>
        <a href={`/rotations/${one.rotation}`}>{one.rotation}</a> is under way
      </div>
    );
  const [due] = one.demands;
  if (!due) return <span class="soft">–</span>;
  const from = dueFrom(due.at, one.since, setting.leadDays);
  const begins = setting.automatic
    ? nextInWindow(Math.max(now, from), setting.windows, setting.zone)
    : Math.max(now, from);
  return (
    <div>
      <Countdown dueAt={due.at} warnAt={from} now={now} />
      <div class="small">
        {'by '}
        <At at={due.at} />
      </div>
      <div class="soft small">
        {setting.automatic ? 'begins ' : 'an alert says so from '}
        <At at={begins} />
      </div>
    </div>
  );
}

function Own({
  frame,
  path,
  one,
  refused,
}: {
  frame: Frame;
  path: string;
  one: CadenceLine;
  refused: RefusedForm | undefined;
}) {
  return (
    <PostForm frame={frame} action={`${path}/${one.reference}`} label={`Its own interval: ${one.name}`}>
      <FormError problems={refused?.problems} />
      <input type="hidden" name="rowVersion" value={String(one.rowVersion)} />
      <Field
        name="everyDays"
        idPrefix={one.reference}
        label="Every so many days"
        type="number"
        value={refused?.typed['everyDays'] ?? (one.everyDays === null ? '' : String(one.everyDays))}
        problem={refused?.problems['everyDays']}
      />
      <p class="line">
        <button type="submit" class="small">
          Set it
        </button>
        <span class="soft small">Empty: none</span>
      </p>
    </PostForm>
  );
}
