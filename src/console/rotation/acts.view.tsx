import { REFUSED } from '../../domain/rotation/rotation.rules.ts';
import type { RotationView } from '../../domain/rotation/rotation.schema.ts';
import { Field, FormError, PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import type { RefusedForm } from './refused-form.ts';

interface Model {
  frame: Frame;
  rotation: RotationView;
  refused: RefusedForm | undefined;
  /** Whoever looks entered the new version, and nothing but people vouches for it. */
  another: boolean;
}

/** What may be done with a rotation now: first what is asked for, then what ends it. */
export function Acts({ frame, rotation, refused, another }: Model) {
  if (!frame.may('rotations:operate')) return null;
  const { state } = rotation;
  const lost = rotation.issues.some((one) => one.state === 'unknown');
  const byHand = rotation.new === null && (rotation.madeBy === 'person' || lost);
  const canGoBack =
    ['planned', 'creating', 'stored', 'propagating', 'validating', 'overlap'].includes(state) &&
    (rotation.oldFate === 'stays' || rotation.issues.length === 0);
  const closed = rotation.closedAt !== null;
  const asksWord =
    rotation.new !== null &&
    rotation.validatedAt === null &&
    rotation.behind === 0 &&
    ['stored', 'propagating', 'validating'].includes(state);
  const mistyped =
    rotation.issues.some((one) => one.state === REFUSED) &&
    rotation.validatedAt === null &&
    rotation.oldFate === 'stays' &&
    rotation.madeBy === 'person' &&
    ['stored', 'propagating', 'validating'].includes(state);
  const model = { frame, rotation, refused, another };
  return (
    <section class="card">
      <h2>What you can do</h2>
      {closed && <p class="soft small">It has ended.</p>}
      {!closed && byHand && ['planned', 'creating'].includes(state) && <EnterVersion {...model} />}
      {mistyped && <CorrectValue {...model} />}
      {lost && <LostAnswer {...model} />}
      {asksWord && another && (
        <p class="notice wait">
          You entered the new version, and no machine has seen it accepted. A second person has to use it, and
          say here that it works.
        </p>
      )}
      {asksWord && !another && (
        <details open={refused?.form === 'works'}>
          <summary>Say that the new version works</summary>
          <p class="soft small">Only where no machine can look. Your name stands beside it.</p>
          <Act {...model} act="works" field="note" label="How you know" button="It works" />
        </details>
      )}
      {state === 'overlap' && (
        <details open={refused?.form === 'cut-early'}>
          <summary>Cut the overlap</summary>
          <p class="soft small">The old version is revoked now, if the new one is accepted at that moment.</p>
          <Act
            {...model}
            act="cut-early"
            field="reason"
            label="Why it can end now"
            button="End the old version now"
          />
        </details>
      )}
      {canGoBack && (
        <details open={refused?.form === 'roll-back'}>
          <summary>Roll back</summary>
          <p class="soft small">
            Places change back, the new version is revoked and shown dead. The old one stays.
          </p>
          <Act {...model} act="roll-back" field="reason" label="Why" button="Roll back" />
        </details>
      )}
      {!closed && (
        <details open={refused?.form === 'stop'}>
          <summary>Stop</summary>
          <p class="soft small">Nothing more is done, and nothing is undone: both versions may live on.</p>
          <Act {...model} act="stop" field="reason" label="Why" button="Stop it here" />
        </details>
      )}
    </section>
  );
}

function Act({
  frame,
  rotation,
  refused,
  act,
  field,
  label,
  button,
}: Omit<Model, 'another'> & { act: string; field: string; label: string; button: string }) {
  const own = refused?.form === act ? refused : undefined;
  return (
    <PostForm frame={frame} action={`/rotations/${rotation.reference}/${act}`} label={button}>
      <FormError problems={own?.problems} />
      <Field
        name={field}
        label={label}
        required
        maxLength={1000}
        idPrefix={`${act}-`}
        value={own?.typed[field]}
        problem={own?.problems[field]}
      />
      <button type="submit" class={act === 'stop' ? 'plain' : undefined}>
        {button}
      </button>
    </PostForm>
  );
}

function EnterVersion({ frame, rotation, refused }: Omit<Model, 'another'>) {
  const own = refused?.form === 'version' ? refused : undefined;
  const shared = (name: string) => ({ name, value: own?.typed[name], problem: own?.problems[name] });
  return (
    <PostForm frame={frame} action={`/rotations/${rotation.reference}/version`} label="Enter the new version">
      <p class="soft small">Make the new version at the supplier, then enter it here.</p>
      <FormError problems={own?.problems} />
      <Field {...shared('supplierId')} label="The supplier’s id" maxLength={500} />
      <Field {...shared('expires')} label="Expires (UTC)" type="datetime-local" />
      <Field
        name="value"
        label="Its value"
        hint="Goes to the vault and is never shown. Leave it out where it stays elsewhere."
        type="password"
        autocomplete="off"
        problem={own?.problems['value']}
      />
      <Field
        {...shared('sha256')}
        label="Or its SHA-256"
        hint="What it is recognised by, where the value stays elsewhere."
        maxLength={64}
      />
      <button type="submit">Enter it</button>
    </PostForm>
  );
}

function CorrectValue({ frame, rotation, refused }: Omit<Model, 'another'>) {
  const own = refused?.form === 'version' ? refused : undefined;
  return (
    <PostForm frame={frame} action={`/rotations/${rotation.reference}/version`} label="Correct its value">
      <p class="soft small">
        It was refused. If its value was mistyped, enter it again: the one before is destroyed.
      </p>
      <FormError problems={own?.problems} />
      <input type="hidden" name="supplierId" value={rotation.new?.supplierId ?? ''} />
      {/* Of the same form as entering it; its value alone is corrected. */}
      <input type="hidden" name="expires" value="" />
      <input type="hidden" name="sha256" value="" />
      <Field
        name="value"
        label="Its value"
        type="password"
        autocomplete="off"
        required
        problem={own?.problems['value']}
      />
      <button type="submit">Correct it</button>
    </PostForm>
  );
}

function LostAnswer({ frame, rotation, refused }: Omit<Model, 'another'>) {
  const own = refused?.form === 'lost-answer' ? refused : undefined;
  return (
    <PostForm
      frame={frame}
      action={`/rotations/${rotation.reference}/lost-answer`}
      label="Settle the lost answer"
    >
      <p class="notice live">An answer of the supplier was lost. Look there whether it made a version.</p>
      <FormError problems={own?.problems} />
      <SelectField
        name="made"
        label="Did it make one?"
        none="Choose"
        options={[
          { value: 'yes', word: 'Yes, and its value is lost' },
          { value: 'no', word: 'No' },
        ]}
        value={own?.typed['made']}
        problem={own?.problems['made']}
      />
      <Field
        name="supplierId"
        label="The supplier’s id of it"
        maxLength={500}
        idPrefix="lost-"
        value={own?.typed['supplierId']}
        problem={own?.problems['supplierId']}
      />
      <Field
        name="note"
        label="How you know"
        required
        maxLength={1000}
        idPrefix="lost-"
        value={own?.typed['note']}
        problem={own?.problems['note']}
      />
      <button type="submit">Note it, and go on</button>
    </PostForm>
  );
}
