import type { MailLanguage } from '../../domain/access/mail-language.rules.ts';
import type { Millis } from '../../kernel/time.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Facts } from '../shared/parts.tsx';
import { words } from '../shared/states.tsx';
import type { OwnAccount } from './settings.queries.ts';

const LANGUAGES: readonly { value: MailLanguage; word: string }[] = [
  { value: 'en', word: 'English' },
  { value: 'de', word: 'Deutsch' },
];

export type TokenAnswer =
  { value: string; expiresAt: Millis } | { typed: Record<string, string>; problems: FormProblems };

/** Who the reader is here, and in which language mails to them are written. */
export function ProfileView({
  frame,
  account,
  problems,
  token,
}: {
  frame: Frame;
  account: OwnAccount;
  problems?: FormProblems;
  /** What came of asking for an API token. */
  token?: TokenAnswer;
}) {
  return (
    <Page title={account.name} frame={frame}>
      <h1>{account.name}</h1>
      <Facts
        facts={[
          ['e-mail', account.email],
          ['roles', account.roles.map(words).join(', ')],
          ...(account.partyName === null ? [] : [['for', account.partyName] as const]),
        ]}
      />
      <section class="card">
        <h2>Mails to you</h2>
        <PostForm frame={frame} action="/profile" label="Mails to you">
          <SelectField
            name="language"
            label="Language"
            options={LANGUAGES}
            value={account.language ?? 'en'}
            hint="Reminders, questions and alerts that go to you. Notices to others are written in theirs."
            problem={problems?.['language']}
          />
          <p class="actions">
            <button type="submit">Save</button>
          </p>
        </PostForm>
      </section>
      <OwnToken frame={frame} account={account} answer={token} />
    </Page>
  );
}

/** Makes a token that acts as the reader, and shows its value once. */
function OwnToken({
  frame,
  account,
  answer,
}: {
  frame: Frame;
  account: OwnAccount;
  answer: TokenAnswer | undefined;
}) {
  const [first] = account.roles;
  if (first === undefined) return null;
  const made = answer && 'value' in answer ? answer : null;
  const refused = answer && 'problems' in answer ? answer : null;
  const typed = refused?.typed ?? {};
  return (
    <section class="card" id="token">
      <h2>API token of your own</h2>
      {made && (
        <div class="notice dead" role="status">
          <p>This is your token. Keep it now: it is shown this once.</p>
          <p>
            <code>{made.value}</code>
          </p>
          <p>
            Good until <At at={made.expiresAt} day />.
          </p>
        </div>
      )}
      <p>What comes with it acts as you: it signs and approves in your name. Only you can make one.</p>
      <PostForm frame={frame} action="/profile/tokens" label="API token of your own">
        <FormError problems={refused?.problems} />
        <Field
          name="name"
          label="What it is for"
          value={typed['name'] ?? ''}
          problem={refused?.problems['name']}
          maxLength={200}
          required
          idPrefix="token-"
        />
        <SelectField
          name="role"
          label="It may do what you may as"
          options={account.roles.map((role) => ({ value: role, word: words(role) }))}
          value={typed['role'] ?? first}
          problem={refused?.problems['role']}
          idPrefix="token-"
        />
        <Field
          name="days"
          label="Days until it ends"
          type="number"
          value={typed['days'] ?? '90'}
          problem={refused?.problems['days']}
          required
          idPrefix="token-"
        />
        <p class="actions">
          <button type="submit">Make the token</button>
        </p>
      </PostForm>
    </section>
  );
}
