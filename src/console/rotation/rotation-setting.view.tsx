import type { Id } from '../../kernel/ids.ts';
import { HOUR, type Millis } from '../../kernel/time.ts';
import type { RotationSettings } from '../../domain/rotation/settings.queries.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Pager, type Listed } from '../shared/paging.tsx';
import { DataTable, Facts, span } from '../shared/parts.tsx';
import type { CadenceLine } from '../../domain/rotation/cadences.queries.ts';
import { Cadences } from './cadences.view.tsx';
import type { RefusedForm } from './refused-form.ts';

export interface SettingModel {
  integration: { id: Id; reference: string; name: string };
  setting: RotationSettings;
  /** As they are written on the page. */
  windows: string;
  /** How long each recipe lets both versions work, and at most. */
  bounds: readonly { key: string; title: string; length: Millis; most: Millis }[];
  /** `part`: not from the beginning of the list. */
  cadences: Listed<CadenceLine> & { part: boolean };
}

const AUTOMATIC = [
  { value: 'no', word: 'an alert says so, and somebody starts it' },
  { value: 'yes', word: 'it starts by itself' },
];

export function RotationSettingView({
  frame,
  integration,
  setting,
  windows,
  bounds,
  cadences,
  refused,
  typed = {},
  problems = {},
}: SettingModel & {
  frame: Frame;
  typed?: Readonly<Record<string, string>>;
  problems?: FormProblems;
  /** The form of one credential. */
  refused?: RefusedForm;
}) {
  const path = `/integrations/${integration.reference}`;
  const may = frame.may('rotations:operate');
  const overlap = setting.overlapHours === null ? '' : String(setting.overlapHours);
  return (
    <Page title={`Rotation of ${integration.name}`} frame={frame}>
      <div class="head">
        <div>
          <h1>When and how it is rotated</h1>
          <p class="lead">
            <a href={path}>{integration.name}</a>. How often is decided for each credential, by whatever asks
            first: its own interval, shortened by its risk; the policy; its expiry.{' '}
            <a href="/rotations">What is due</a>.
          </p>
        </div>
      </div>
      <div class="rows">
        <section class="card">
          <h2>How often each credential is rotated</h2>
          <Cadences
            frame={frame}
            path={`${path}/rotation`}
            setting={setting}
            cadences={cadences.rows}
            refused={refused}
          />
          <Pager path={`${path}/rotation`} query={{}} next={cadences.next} first={!cadences.part} />
        </section>
        <section class="card">
          <h2>When it begins, and how long both work</h2>
          {may ? (
            <PostForm frame={frame} action={`${path}/rotation`} label="When and how it is rotated">
              <FormError problems={problems} />
              <input type="hidden" name="rowVersion" value={String(setting.rowVersion)} />
              <SelectField
                name="automatic"
                label="When a credential is due"
                options={AUTOMATIC}
                value={typed['automatic'] ?? (setting.automatic ? 'yes' : 'no')}
                problem={problems['automatic']}
              />
              <Field
                name="leadDays"
                label="How many days before"
                type="number"
                value={typed['leadDays'] ?? String(setting.leadDays)}
                problem={problems['leadDays']}
                required
              />
              <Field
                name="overlapHours"
                label="How many hours both versions work"
                type="number"
                hint="Empty: as the recipe has it. Long enough for what waits in queues and for every deployment; never longer than the recipe allows."
                value={typed['overlapHours'] ?? overlap}
                problem={problems['overlapHours']}
              />
              <Field
                name="windows"
                label="Maintenance windows"
                type="area"
                rows={4}
                hint="One a line, like “Mon Tue 22:00-02:00” or “daily 01:00-03:00”. Rotations begin, and old versions end, only in them. None: at any time."
                value={typed['windows'] ?? windows}
                problem={problems['windows']}
              />
              <Field
                name="zone"
                label="Their time zone"
                hint="As Europe/Zurich, or UTC."
                value={typed['zone'] ?? setting.zone}
                problem={problems['zone']}
                required
              />
              <p class="line">
                <button type="submit">Save</button>
              </p>
            </PostForm>
          ) : (
            <Facts
              facts={[
                ['when due', AUTOMATIC[setting.automatic ? 1 : 0]!.word],
                ['days before', String(setting.leadDays)],
                [
                  'both versions work',
                  overlap === '' ? 'as the recipe has it' : span(setting.overlapHours! * HOUR),
                ],
                ['maintenance windows', windows === '' ? 'any time' : windows],
                ['time zone', setting.zone],
              ]}
            />
          )}
        </section>
        <section class="card">
          <h2>How long both versions work, by recipe</h2>
          <DataTable
            caption="Overlap by recipe"
            columns={[{ title: 'Recipe' }, { title: 'Usually' }, { title: 'At most' }]}
            rows={bounds.map((one) => [one.title, span(one.length), span(one.most)])}
          />
        </section>
      </div>
    </Page>
  );
}
