import type { DomainChallengeView } from '../../domain/parties/domain-challenges.service.ts';
import type { SupplierAccountView } from '../../domain/obligations/obligation.schema.ts';
import type { DrillView } from '../../domain/revocation/drill.schema.ts';
import type { OnCallContact } from '../../domain/parties/on-call.queries.ts';
import { CONTACT_ROLES } from '../../domain/parties/party.schema.ts';
import { AccountTable } from '../incidents/supplier-accounts.view.tsx';
import { DrillLine } from '../drills/drill-line.tsx';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty, ShareBar, span } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import type { PartyHead } from './party.queries.ts';

/** A form that was refused: which one, what was typed, and what was wrong. */
export interface PartyBad {
  at: string;
  form: Readonly<Record<string, string>>;
  problems: FormProblems;
}

interface Model {
  frame: Frame;
  head: PartyHead;
  /** In the order in which to call. */
  onCall: readonly OnCallContact[];
  /** Who is called first after whoever is now. */
  next: { name: string; at: number } | undefined;
  challenges: readonly DomainChallengeView[];
  /** Of credentials that it verifies, the newest first. */
  drills: readonly DrillView[];
  /** When it told us of leaks, the newest first. */
  accounts: readonly SupplierAccountView[];
  bad: PartyBad | undefined;
}

const STANDING = { on_duty: 'dead', stands_in: 'dead', off_duty: 'wait', away: 'calm' } as const;

const METHODS: Readonly<Record<string, string>> = {
  contact: 'by a contact who is known',
  document: 'by a register entry or contract',
  domain: 'by its domain',
};

export function PartyView({ frame, head, onCall, next, challenges, drills, accounts, bad }: Model) {
  const path = `/parties/${head.reference}`;
  const writes = frame.may('portfolio:write') && !head.retired;
  return (
    <Page title={head.name} frame={frame} crumbs={[{ title: 'Portfolio', path: '/portfolio' }]}>
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>{head.name}</h1>
          <p class="lead">Whom to reach there, and how one knows that it is who it says.</p>
        </div>
        <p class="line">
          {frame.may('signals:read') && (
            <a class="button plain small" href={`${path}/signals`}>
              Signals
            </a>
          )}
          {head.operator && <Chip tone="info">runs this installation</Chip>}
          {head.retired && <Chip tone="calm">retired</Chip>}
          {!head.operator && (
            <Chip tone={head.verifications.length > 0 ? 'dead' : 'wait'}>
              {head.verifications.length > 0 ? 'verified' : 'not verified'}
            </Chip>
          )}
        </p>
      </div>
      <div class="grid">
        <section class="card w7" id="contacts">
          <h2>Contacts</h2>
          {head.contacts.length === 0 && <Empty>Nobody can be told anything there: add a contact.</Empty>}
          {head.contacts.map((contact) => (
            <article class="rows tight">
              <p class="line tight">
                <b>{contact.name}</b> <span class="soft small">{words(contact.role)}</span>
                {!contact.active && <Chip tone="calm">no longer there</Chip>}
                {contact.confirmedAt === null ? (
                  <Chip tone="wait">never confirmed</Chip>
                ) : (
                  <span class="soft small">
                    confirmed <At at={contact.confirmedAt} day />
                  </span>
                )}
              </p>
              <p class="small">
                {[contact.email, contact.phone].filter(Boolean).join(', ') || 'no way to reach them'}
              </p>
              {writes && contact.active && (
                <p class="small">
                  <a href={`${path}/contacts/${contact.id}/reach`}>
                    Hours, absences and ways of {contact.name}
                  </a>
                </p>
              )}
              {writes && (
                <details open={bad?.at === contact.id}>
                  <summary>Edit {contact.name}</summary>
                  <ContactForm
                    frame={frame}
                    action={`${path}/contacts/${contact.id}`}
                    label={`Edit ${contact.name}`}
                    prefix={`${contact.id}-`}
                    form={
                      bad?.at === contact.id
                        ? bad.form
                        : {
                            ...contact,
                            email: contact.email ?? '',
                            phone: contact.phone ?? '',
                            language: contact.language ?? '',
                            ordinal: String(contact.ordinal),
                            active: contact.active ? '1' : '',
                            rowVersion: String(contact.rowVersion),
                            confirmedAt: '',
                          }
                    }
                    problems={bad?.at === contact.id ? bad.problems : {}}
                    known
                  />
                </details>
              )}
            </article>
          ))}
          {writes && (
            <details open={bad?.at === 'new' || head.contacts.length === 0}>
              <summary>Add a contact</summary>
              <ContactForm
                frame={frame}
                action={`${path}/contacts`}
                label="Add a contact"
                prefix="new-"
                form={bad?.at === 'new' ? bad.form : {}}
                problems={bad?.at === 'new' ? bad.problems : {}}
              />
            </details>
          )}
        </section>
        <div class="w5 rows">
          {!head.operator && (
            <section class="card" id="verified">
              <h2>How one knows</h2>
              {head.verifications.length === 0 ? (
                <Empty>Nobody has made sure of it yet.</Empty>
              ) : (
                <ul class="plain">
                  {head.verifications.map((one) => (
                    <li>
                      <p class="small">
                        <b>{METHODS[one.method] ?? one.method}</b>, <At at={one.at} day />
                        {one.by && `, ${one.by}`}: {one.statement}
                      </p>
                    </li>
                  ))}
                </ul>
              )}
              <Domain frame={frame} path={path} challenges={challenges} bad={bad} />
            </section>
          )}
          {drills.length > 0 && frame.may('runs:read') && (
            <section class="card" id="drills">
              <h2>What drills showed</h2>
              <p class="soft small">
                Of the credentials that it verifies: what was tried there, how long it took, and what it did
                when things went wrong.
              </p>
              <ul class="plain">
                {drills.map((one) => (
                  <DrillLine drill={one} href={`/credentials/${one.credential.reference}/drills`} />
                ))}
              </ul>
            </section>
          )}
          {onCall.length > 0 && (
            <section class="card" id="on-call">
              <h2>Whom to call now</h2>
              <ol>
                {onCall.map((one) => (
                  <li>
                    <b>{one.name}</b> <Chip tone={STANDING[one.standing]}>{words(one.standing)}</Chip>{' '}
                    <span class="soft small">{one.localTime}</span>
                  </li>
                ))}
              </ol>
              <p class="soft small">
                {next ? (
                  <>
                    Next: {next.name}, from <At at={next.at} />
                  </>
                ) : (
                  'Nobody else is first within a week.'
                )}
              </p>
            </section>
          )}
          <section class="card">
            <h2>Where it has a part</h2>
            {head.integrations.length === 0 ? (
              <Empty>In no integration.</Empty>
            ) : (
              <ul class="plain">
                {head.integrations.map((one) => (
                  <li>
                    <a href={`/integrations/${one.reference}`}>{one.name}</a>{' '}
                    <span class="soft small">{one.roles.map(words).join(', ')}</span>
                  </li>
                ))}
              </ul>
            )}
          </section>
        </div>
        {accounts.length > 0 && frame.may('incidents:read') && (
          <section class="card w12" id="told">
            <h2>How it told us of leaks</h2>
            <Record accounts={accounts} />
            <AccountTable accounts={accounts} />
          </section>
        )}
      </div>
    </Page>
  );
}

/** Its record over time: by the accounts that count, disputed ones by the earlier. */
function Record({ accounts }: { accounts: readonly SupplierAccountView[] }) {
  const counting = accounts.filter(({ counts }) => counts);
  const of = (judgement: SupplierAccountView['judgement']) =>
    counting.filter((one) => one.judgement === judgement).length;
  const waits = counting.map((one) => Date.parse(one.toldAt) - Date.parse(one.knewAt)).sort((a, b) => a - b);
  return (
    <>
      <ShareBar
        label="How it told us of leaks"
        parts={[
          { tone: 'dead', word: 'in time', count: of('in_time') },
          { tone: 'live', word: 'late', count: of('late') },
          { tone: 'doubt', word: 'no number', count: of('no_number') },
          { tone: 'calm', word: 'nothing agreed', count: of('nothing_agreed') },
        ]}
      />
      <p class="soft small">
        From its knowing to our hearing: {span(waits[Math.floor((waits.length - 1) / 2)] ?? 0)} in the middle,{' '}
        {span(waits.at(-1) ?? 0)} at the longest.
      </p>
    </>
  );
}

function ContactForm({
  frame,
  action,
  label,
  prefix,
  form,
  problems,
  known = false,
}: {
  frame: Frame;
  action: string;
  label: string;
  prefix: string;
  form: Readonly<Record<string, string>>;
  problems: FormProblems;
  known?: boolean;
}) {
  const field = (name: string) => ({
    name,
    value: form[name] ?? '',
    problem: problems[name],
    idPrefix: prefix,
  });
  return (
    <PostForm frame={frame} action={action} label={label}>
      {known && <input type="hidden" name="rowVersion" value={form['rowVersion']} />}
      <FormError problems={problems} />
      <div class="pair">
        <Field {...field('name')} label="Name" required maxLength={200} />
        <SelectField
          {...field('role')}
          label="Role"
          options={CONTACT_ROLES.map((role) => ({ value: role, word: words(role) }))}
        />
        <Field {...field('email')} label="Mail address" type="email" maxLength={300} />
        <Field {...field('phone')} label="Phone" maxLength={60} />
        <Field
          {...field('language')}
          label="Language"
          hint="en, de; left out: as the agreement or the party has it"
          maxLength={35}
        />
        <Field {...field('ordinal')} label="Order" hint="The lowest is called first" />
      </div>
      {known && (
        <label class="check">
          <input type="checkbox" name="active" value="1" checked={form['active'] === '1'} />
          <span>Is still there</span>
        </label>
      )}
      <p class="actions">
        <button type="submit">{known ? 'Save' : 'Add the contact'}</button>
      </p>
    </PostForm>
  );
}

function Domain({
  frame,
  path,
  challenges,
  bad,
}: Pick<Model, 'frame' | 'challenges' | 'bad'> & { path: string }) {
  const decides = frame.may('gate:open');
  const problems = bad?.at === 'domain' ? bad.problems : {};
  return (
    <div class="rows tight">
      <FormError problems={problems} />
      {challenges.map((one) => (
        <article class="rows tight">
          <p class="line tight">
            <b>{one.domain}</b>
            <Chip tone={one.verifiedAt === null ? 'wait' : 'dead'}>
              {one.verifiedAt === null ? 'record awaited' : 'shown'}
            </Chip>
          </p>
          {one.verifiedAt === null && (
            <>
              <p class="small">
                TXT record <span class="mono">{one.record.name}</span> with the value{' '}
                <span class="mono">{one.record.value}</span>, until <At at={Date.parse(one.expiresAt)} day />.
              </p>
              {one.lookedAt !== null && (
                <p class="soft small">
                  Looked <At at={Date.parse(one.lookedAt)} />: {one.answer}.
                </p>
              )}
              {decides && (
                <PostForm
                  frame={frame}
                  action={`${path}/domain/${one.id}`}
                  label={`Check ${one.domain}`}
                  inline
                >
                  <button type="submit" class="plain small">
                    Check the record
                  </button>
                </PostForm>
              )}
            </>
          )}
        </article>
      ))}
      {decides && (
        <PostForm frame={frame} action={`${path}/domain`} label="Verify by a domain">
          <Field
            name="domain"
            label="Verify by its domain"
            hint="paylane.com: they set a record there that only whoever runs it can set"
            value={bad?.at === 'domain' ? (bad.form['domain'] ?? '') : ''}
            problem={problems['domain']}
            maxLength={240}
            required
          />
          <p class="actions">
            <button type="submit" class="plain">
              Name the record
            </button>
          </p>
        </PostForm>
      )}
    </div>
  );
}
