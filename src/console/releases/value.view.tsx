import { standingOfVersion } from '../../domain/credentials/version-standing.rules.ts';
import type { RevealLevel } from '../../domain/releases/release.rules.ts';
import type { CredentialHead, VersionLine } from '../credentials/credential.queries.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import { Held } from './held.tsx';
import type { HeldLine, OwnPermission, RevealLine } from './releases.queries.ts';

/** A form that was refused, with what was typed; never a value or a password. */
export interface ValueForm {
  about: 'place' | 'ask' | 'reveal' | 'break-glass';
  subject?: string;
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
}

const POLICY: Readonly<Record<RevealLevel, { tone: Tone; word: string }>> = {
  'with-approval': { tone: 'wait', word: 'seen when a second person gives it' },
  'break-glass': { tone: 'live', word: 'seen only by breaking the glass' },
  never: { tone: 'calm', word: 'seen by nobody' },
};
const MINUTES = [15, 30, 60, 120, 240, 480].map((minutes) => ({
  value: String(minutes),
  word: minutes < 60 ? `${minutes} minutes` : minutes === 60 ? '1 hour' : `${minutes / 60} hours`,
}));
/** The same length whatever it hides. */
const MASKED = '••••••••••••';

export function crumbsOf(head: CredentialHead) {
  return [
    { title: 'Portfolio', path: '/portfolio' },
    { title: head.name, path: `/credentials/${head.reference}` },
  ];
}

export function ValueView({
  frame,
  head,
  versions,
  policy,
  permission,
  reveals,
  held,
  formKey,
  form,
}: {
  frame: Frame;
  head: CredentialHead;
  versions: readonly VersionLine[];
  policy: RevealLevel;
  permission: OwnPermission | undefined;
  reveals: readonly RevealLine[];
  held: readonly HeldLine[];
  /** Of the forms that show a value: each is good once. */
  formKey: string;
  form: ValueForm | undefined;
}) {
  const base = `/credentials/${head.reference}/value`;
  const seeable = versions.filter(({ kept, phase }) => kept && phase !== 'retired');
  const open = held.filter(({ state }) => state === 'open').length;
  return (
    <Page title={`Value of ${head.name}`} frame={frame} crumbs={crumbsOf(head)}>
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Value</h1>
          <p class="lead">
            Kept sealed, where it was placed. A machine checks it out for a declared purpose; a person sees it
            for a minute, with a reason, and everybody who answers for it is told.
          </p>
        </div>
        <p class="line">
          <Chip tone={POLICY[policy].tone}>{POLICY[policy].word}</Chip>
          <Chip tone={open > 0 ? 'live' : 'dead'}>
            {open === 1 ? '1 machine holds it' : `${open} machines hold it`}
          </Chip>
          {reveals.some(({ breakGlass }) => breakGlass) && <Chip tone="live">the glass was broken</Chip>}
        </p>
      </div>
      <div class="grid">
        <section class="card w6">
          <h2>Versions</h2>
          {versions.length === 0 && <Empty>No version yet.</Empty>}
          <ul class="plain">
            {versions.map((version) => (
              <Version frame={frame} base={base} version={version} form={form} />
            ))}
          </ul>
        </section>
        <section class="card w6">
          <h2>See it</h2>
          <SeeIt
            frame={frame}
            base={base}
            policy={policy}
            permission={permission}
            seeable={seeable}
            formKey={formKey}
            form={form}
          />
        </section>
        <section class="card w12">
          <h2>
            Who holds it <span class="aside">{`${open} now`}</span>
          </h2>
          <Held frame={frame} held={held} base={base} by="credential" />
        </section>
        <section class="card w12">
          <h2>Who has seen it</h2>
          <Seen reveals={reveals} />
        </section>
      </div>
    </Page>
  );
}

function Version({
  frame,
  base,
  version,
  form,
}: {
  frame: Frame;
  base: string;
  version: VersionLine;
  form: ValueForm | undefined;
}) {
  const refused = form?.about === 'place' && form.subject === version.id ? form : undefined;
  const placeable = !version.kept && version.phase !== 'retired' && frame.may('portfolio:write');
  return (
    <li>
      <div class="line">
        <b>{`Version ${version.number}`}</b>
        <Chip tone={standingOfVersion(version) === 'active' ? 'dead' : 'calm'}>
          {standingOfVersion(version)}
        </Chip>
        {version.kept ? (
          <>
            <span class="mono" aria-label="masked">
              {MASKED}
            </span>
            <Chip tone="dead">sealed here</Chip>
          </>
        ) : (
          <Chip tone="calm">not kept here</Chip>
        )}
        {version.exposed && <Chip tone="live">was exposed</Chip>}
      </div>
      {placeable && (
        <details open={refused !== undefined}>
          <summary>Place its value</summary>
          <PostForm
            frame={frame}
            action={`${base}/place/${version.id}`}
            label={`Place the value of version ${version.number}`}
          >
            <FormError problems={refused?.problems} />
            <Field
              name="value"
              label="The value"
              hint="Fingerprinted and sealed at once; this form never shows it again."
              type="password"
              autocomplete="off"
              required
              idPrefix={version.id}
              problem={refused?.problems['value']}
            />
            <p class="actions">
              <button type="submit" class="plain">
                Seal it
              </button>
            </p>
          </PostForm>
        </details>
      )}
    </li>
  );
}

function SeeIt({
  frame,
  base,
  policy,
  permission,
  seeable,
  formKey,
  form,
}: {
  frame: Frame;
  base: string;
  policy: RevealLevel;
  permission: OwnPermission | undefined;
  seeable: readonly VersionLine[];
  formKey: string;
  form: ValueForm | undefined;
}) {
  if (policy === 'never') return <Empty>Its policy lets nobody see it. Machines check it out.</Empty>;
  if (seeable.length === 0) return <Empty>There is no value here that could be seen.</Empty>;
  const ofForm = (about: ValueForm['about']) => (form?.about === about ? form : undefined);
  return (
    <>
      {policy === 'break-glass' && (
        <p class="soft small">
          The policy that it falls under lets nobody ask: it is seen only by breaking the glass.
        </p>
      )}
      {form?.about === 'reveal' && permission?.state !== 'given' && (
        <FormError problems={{ '': Object.values(form.problems).join(' ') }} />
      )}
      {permission?.state === 'given' && (
        <>
          <p class="line">
            <Chip tone="dead">given to you</Chip>
            <span class="soft small">
              until <At at={permission.validUntil} />
            </span>
          </p>
          <RevealForm
            frame={frame}
            action={`${base}/reveal`}
            button="Show it for a minute"
            seeable={seeable}
            formKey={formKey}
            form={ofForm('reveal')}
          />
        </>
      )}
      {permission?.state === 'asked' && (
        <p class="notice wait">You have asked to see it. Somebody else has to give it.</p>
      )}
      {permission === undefined && policy === 'with-approval' && frame.may('reveals:ask') && (
        <PostForm frame={frame} action={`${base}/ask`} label="Ask to see it">
          <FormError problems={ofForm('ask')?.problems} />
          <Field
            name="reason"
            label="Why you have to see it"
            hint="On record, and read by whoever decides."
            type="area"
            required
            maxLength={2000}
            idPrefix="ask-"
            value={ofForm('ask')?.typed['reason'] ?? ''}
            problem={ofForm('ask')?.problems['reason']}
          />
          <SelectField
            name="minutes"
            label="For how long"
            options={MINUTES}
            value={ofForm('ask')?.typed['minutes'] ?? '30'}
            problem={ofForm('ask')?.problems['minutes']}
          />
          <p class="actions">
            <button type="submit">Ask to see it</button>
          </p>
        </PostForm>
      )}
      {frame.may('credentials:break-glass') && (
        <details open={ofForm('break-glass') !== undefined}>
          <summary>Break the glass</summary>
          <p class="notice live">
            Shows it at once, past whoever should have been asked. Each of them is told now, an alert stands
            until somebody has looked into it, and this page carries the badge from then on.
          </p>
          <RevealForm
            frame={frame}
            action={`${base}/break-glass`}
            button="Break the glass"
            danger
            seeable={seeable}
            formKey={formKey}
            form={ofForm('break-glass')}
          />
        </details>
      )}
    </>
  );
}

function RevealForm({
  frame,
  action,
  button,
  danger,
  seeable,
  formKey,
  form,
}: {
  frame: Frame;
  action: string;
  button: string;
  danger?: boolean;
  seeable: readonly VersionLine[];
  formKey: string;
  form: ValueForm | undefined;
}) {
  const prefix = danger ? 'glass-' : 'see-';
  return (
    <PostForm frame={frame} action={action} label={button}>
      <FormError problems={form?.problems} />
      <input type="hidden" name="key" value={formKey} />
      <SelectField
        name="version"
        label="Which version"
        options={seeable.map((version) => ({
          value: version.id,
          word: `version ${version.number}, ${standingOfVersion(version)}`,
        }))}
        value={form?.typed['version']}
        problem={form?.problems['version']}
        idPrefix={prefix}
      />
      <Field
        name="reason"
        label="Why you see it"
        type="area"
        required
        maxLength={2000}
        value={form?.typed['reason'] ?? ''}
        problem={form?.problems['reason']}
        idPrefix={prefix}
      />
      <Field
        name="password"
        label="Your password, again"
        type="password"
        autocomplete="current-password"
        required
        problem={form?.problems['password']}
        idPrefix={prefix}
      />
      <p class="actions">
        <button type="submit" class={danger ? 'danger' : undefined}>
          {button}
        </button>
      </p>
    </PostForm>
  );
}

function Seen({ reveals }: { reveals: readonly RevealLine[] }) {
  if (reveals.length === 0) return <Empty>Nobody has.</Empty>;
  return (
    <DataTable
      caption="Reveals"
      columns={[
        { title: 'When' },
        { title: 'Who' },
        { title: 'How' },
        { title: 'Why' },
        { title: 'Told', numeric: true },
      ]}
      rows={reveals.map((one) => [
        <div>
          <At at={one.at} />
          <div class="ref">{one.reference}</div>
        </div>,
        one.person,
        <div>
          <Chip tone={one.breakGlass ? 'live' : 'dead'}>
            {one.breakGlass ? 'broke the glass' : 'was given it'}
          </Chip>
          {one.skipped.length > 0 && (
            <div class="soft small">{`past ${one.skipped.map(words).join(', ')}`}</div>
          )}
        </div>,
        one.reason,
        one.told,
      ])}
    />
  );
}
