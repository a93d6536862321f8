import type { MailLanguage } from '../../domain/access/mail-language.rules.ts';
import { PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Facts } from '../shared/parts.tsx';
import { words } from '../shared/states.tsx';
import type { OwnAccount } from './settings.queries.ts';

const LANGUAGES: readonly { value: MailLanguage; word: string }[] = [
  { value: 'en', word: 'English' },
  { value: 'de', word: 'Deutsch' },
];

/** Who the reader is here, and in which language mails to them are written. */
export function ProfileView({
  frame,
  account,
  problems,
}: {
  frame: Frame;
  account: OwnAccount;
  problems?: FormProblems;
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
    </Page>
  );
}
