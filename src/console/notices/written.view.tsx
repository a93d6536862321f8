import type { WrittenView as Written } from '../../domain/notices/written-notice.schema.ts';
import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Facts } from '../shared/parts.tsx';
import { Chip, type Tone } from '../shared/states.tsx';

const STATE: Readonly<Record<Written['state'], Tone>> = { drafted: 'wait', sent: 'dead', refused: 'calm' };
const NOTICES = { title: 'Notices', path: '/notices' };

export function WrittenListView({ frame, notices }: { frame: Frame; notices: readonly Written[] }) {
  return (
    <Page title="Written notices" frame={frame} crumbs={[NOTICES]}>
      <div class="head">
        <div>
          <h1>Written notices</h1>
          <p class="lead">
            What people write for one occasion. Begin one on the page of a notice; somebody else approves it
            where policy says so.
          </p>
        </div>
      </div>
      <section class="card">
        {notices.length === 0 ? (
          <p class="empty">None.</p>
        ) : (
          <DataTable
            caption="Written notices"
            columns={[{ title: 'Notice' }, { title: 'To' }, { title: 'Standing' }, { title: 'Written' }]}
            rows={notices.map((one) => [
              <a href={`/written-notices/${one.id}`}>
                <b>{one.subject}</b>
              </a>,
              <div>
                {one.party}
                <div class="soft small">{one.integration}</div>
              </div>,
              <Chip tone={STATE[one.state]}>{one.state}</Chip>,
              <div>
                {one.writtenBy} <At at={Date.parse(one.createdAt)} />
              </div>,
            ])}
          />
        )}
      </section>
    </Page>
  );
}

export function WrittenView({
  frame,
  notice,
  mine,
  second,
  duties,
  form,
  problems,
}: {
  frame: Frame;
  notice: Written;
  /** The reader wrote it. */
  mine: boolean;
  /** Somebody else than its writer must approve it. */
  second: boolean;
  /** Of laws, that it tells. */
  duties: readonly { id: string; reference: string; title: string }[];
  form: Readonly<Record<string, string>>;
  problems: FormProblems;
}) {
  const path = `/written-notices/${notice.id}`;
  const typed = (field: string) => form[field] ?? '';
  return (
    <Page
      title={notice.subject}
      frame={frame}
      crumbs={[NOTICES, { title: 'Written notices', path: '/written-notices' }]}
    >
      <div class="head">
        <div>
          <h1>{notice.subject}</h1>
          <p class="lead">
            To {notice.contact} of {notice.party}
          </p>
        </div>
        <Chip tone={STATE[notice.state]}>{notice.state}</Chip>
      </div>
      <div class="grid">
        <section class="card w7">
          <FormError problems={problems} />
          {notice.state === 'drafted' && mine ? (
            <PostForm frame={frame} action={path} label="The notice">
              <input type="hidden" name="rowVersion" value={notice.rowVersion} />
              <Field
                name="subject"
                label="Subject"
                value={typed('subject')}
                problem={problems['subject']}
                required
                maxLength={200}
              />
              <Field
                name="text"
                label="Text"
                hint="Paragraphs are parted by a blank line. Its link, code and signature are added."
                type="area"
                rows={14}
                value={typed('text')}
                problem={problems['text']}
                required
              />
              <p class="actions">
                <button type="submit">Keep</button>
              </p>
            </PostForm>
          ) : (
            <div class="letter" lang={notice.language}>
              {notice.text}
            </div>
          )}
        </section>
        <section class="card w5">
          <Facts
            facts={[
              ['integration', notice.integration],
              ...(duties.length === 0
                ? []
                : [
                    [
                      'tells',
                      duties.map((one) => (
                        <div>
                          <a href={`/obligations/${one.id}`}>{one.reference}</a>, {one.title}
                        </div>
                      )),
                    ] as [string, preact.ComponentChildren],
                  ]),
              ['written by', notice.writtenBy],
              ['decided by', notice.decidedBy ?? '–'],
              ['reason', notice.reason || '–'],
              ['sent as', notice.notice ? <a href={`/notices/${notice.notice}`}>{notice.notice}</a> : '–'],
            ]}
          />
          {notice.state === 'drafted' &&
            (mine && second ? (
              <p class="soft small">Somebody else reads it and has it sent.</p>
            ) : (
              <PostForm frame={frame} action={`${path}/decide`} label="Decide">
                <input type="hidden" name="rowVersion" value={notice.rowVersion} />
                <Field name="reason" label="Why it is not sent, if so" maxLength={500} />
                <p class="actions">
                  <button type="submit" name="do" value="send">
                    {mine ? 'Send' : 'Approve and send'}
                  </button>
                  <button class="plain" type="submit" name="do" value="refuse">
                    Refuse
                  </button>
                </p>
              </PostForm>
            ))}
        </section>
      </div>
    </Page>
  );
}
