import type { WorkingMatrix } from '../../domain/responsibility/matrix.schema.ts';
import { Field, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import type { Choices } from './choices.queries.ts';

/** Rows taken over from a template or from another integration. */
export function Inherit({
  frame,
  path,
  working,
  templates,
  choices,
}: {
  frame: Frame;
  path: string;
  working: WorkingMatrix;
  templates: readonly { key: string; title: string }[];
  choices: Choices;
}) {
  return (
    <PostForm frame={frame} action={`${path}/inherit`} label="Fill what is missing">
      <h3>Fill what is missing</h3>
      <input type="hidden" name="row_version" value={working.rowVersion} />
      <label for="from">From a template, or from another integration</label>
      <select id="from" name="from">
        <optgroup label="Templates">
          {templates.map(({ key, title }) => (
            <option value={`template:${key}`}>{title}</option>
          ))}
        </optgroup>
        {choices.others.length > 0 && (
          <optgroup label="Integrations">
            {choices.others.map(({ id, name }) => (
              <option value={`integration:${id}`}>{name}</option>
            ))}
          </optgroup>
        )}
      </select>
      <Field
        name="reference"
        label="Or copy from the integration with this reference"
        hint="INT-2026-0042; empty: as chosen above"
        maxLength={40}
      />
      <label class="check">
        <input type="checkbox" name="replace" value="1" />
        Also where this matrix says something else already
      </label>
      <p class="actions">
        <button class="plain" type="submit">
          Take it over
        </button>
      </p>
    </PostForm>
  );
}
