import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty } from '../shared/parts.tsx';

interface Model {
  frame: Frame;
  /** Of files. */
  kinds: readonly { key: string; title: string }[];
  /** What the reader's party reported. */
  own: readonly { reference: string; externalRef: string; kind: string | null; receivedAt: string }[];
  typed?: Readonly<Record<string, string>>;
  problems?: FormProblems;
  fileProblem?: string | undefined;
  fileKind?: string;
}

export function ReportView({ frame, kinds, own, typed = {}, problems, fileProblem, fileKind }: Model) {
  const field = (name: string) => ({ name, value: typed[name], problem: problems?.[name] });
  return (
    <Page title="Report a leak" frame={frame}>
      <h1>Report a leak</h1>
      <p class="lead">What you report is judged at once. Whether it matches a credential is not said here.</p>
      <div class="grid">
        <section class="card w6">
          <h2>One credential</h2>
          <PostForm frame={frame} action="/report" label="One credential">
            <FormError problems={problems} />
            <Field
              name="value"
              problem={problems?.['value']}
              label="The value that leaked"
              hint="It is never shown again, and kept, sealed, only while a revocation needs it."
              type="password"
              autocomplete="off"
            />
            <Field
              {...field('supplierId')}
              label="Or the supplier’s id of it"
              hint="Where you have not seen the value."
              maxLength={300}
            />
            <div class="pair">
              <Field {...field('kind')} label="What it is" hint="Such as an API key." maxLength={100} />
              <Field {...field('path')} label="File or place" maxLength={1000} />
            </div>
            <Field {...field('url')} label="Address where it was seen" maxLength={2000} />
            <p class="actions">
              <button type="submit">Report it</button>
            </p>
          </PostForm>
        </section>
        <section class="card w6" id="file">
          <h2>What a scanner found</h2>
          <form
            method="post"
            action="/report/file"
            enctype="multipart/form-data"
            aria-label="What a scanner found"
          >
            <input type="hidden" name="_csrf" value={frame.csrf} />
            {fileProblem && (
              <p class="notice live" role="alert">
                {fileProblem}
              </p>
            )}
            <SelectField
              name="kind"
              idPrefix="file-"
              label="Of which scanner"
              options={kinds.map(({ key, title }) => ({ value: key, word: title }))}
              value={fileKind ?? 'gitleaks'}
            />
            <div class="field">
              <label for="file-file">Its report, of at most 1 MB</label>
              <input id="file-file" type="file" name="file" required />
            </div>
            <p class="actions">
              <button type="submit">Hand it in</button>
            </p>
          </form>
        </section>
        {frame.outside && (
          <section class="card w12" id="reported">
            <h2>What you reported</h2>
            {own.length === 0 ? (
              <Empty>Nothing yet.</Empty>
            ) : (
              <DataTable
                caption="What you reported"
                columns={[{ title: 'Report' }, { title: 'Leak' }, { title: 'What it is' }, { title: 'When' }]}
                rows={own.map((one) => [
                  <span class="ref">{one.reference}</span>,
                  one.externalRef,
                  one.kind ?? <span class="soft">–</span>,
                  <At at={Date.parse(one.receivedAt)} />,
                ])}
              />
            )}
          </section>
        )}
      </div>
    </Page>
  );
}
