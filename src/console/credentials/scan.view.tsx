import type { ShownLook } from '../incidents/answer.queries.ts';
import type { CopyToMove } from '../inventory/new.queries.ts';
import { Field, FormError, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import type { RefusedForm } from './copy-found.ts';
import { CopyLayout } from './copy-layout.tsx';

export function ScanView({
  frame,
  copy,
  looks,
  refused,
}: {
  frame: Frame;
  copy: CopyToMove;
  looks: readonly ShownLook[];
  refused?: RefusedForm;
}) {
  const { typed = {}, problems = {} } = refused ?? {};
  const path = `/credentials/${copy.reference}`;
  const field = (name: string) => ({ name, value: typed[name] ?? '', problem: problems[name] });
  return (
    <CopyLayout
      title="What a scan shows"
      lead={`${copy.name} is judged for one version of ${copy.credential}, by fingerprints. The file is dropped afterwards.`}
      {...{ frame, copy, looks }}
    >
      <section class="card w7">
        <form
          method="post"
          action={`${path}/locations/${copy.id}/scan`}
          enctype="multipart/form-data"
          aria-label="What a scan shows"
        >
          <input type="hidden" name="_csrf" value={frame.csrf} />
          <FormError problems={problems} />
          <div class="pair">
            <SelectField
              name="versionId"
              label="Version that was looked for"
              options={copy.versions}
              value={typed['versionId'] ?? copy.versionId ?? ''}
              problem={problems['versionId']}
            />
            <SelectField
              name="format"
              label="Scanner"
              options={[
                { value: 'gitleaks', word: 'gitleaks, JSON' },
                { value: 'sarif', word: 'any, SARIF 2.1.0' },
              ]}
              value={typed['format'] ?? 'gitleaks'}
              problem={problems['format']}
            />
          </div>
          <div class="field">
            <label for="file">Its report, of at most 1 MB</label>
            <input id="file" type="file" name="file" required />
            {problems['file'] && <p class="error">{problems['file']}</p>}
          </div>
          <Field
            {...field('scannedAt')}
            label="When it scanned"
            hint="Like 2026-11-22T01:58:05Z. Left out: now."
          />
          <Field
            {...field('covers')}
            type="area"
            label="Paths that it came to"
            hint="One on each line; a dot is everything. Silence about a path that it did not come to shows nothing."
          />
          <p class="actions">
            <button type="submit">Judge it</button>
            <a class="button plain" href={path}>
              Leave it
            </a>
          </p>
        </form>
      </section>
    </CopyLayout>
  );
}
