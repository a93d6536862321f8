import type { DrillView } from '../../domain/revocation/drill.schema.ts';
import { FAULT_WORDS } from '../../domain/revocation/drill-faults.rules.ts';
import { DRILL_FAULTS } from '../../domain/revocation/drill.schema.ts';
import type { Id } from '../../kernel/ids.ts';
import type { CredentialHead } from '../credentials/credential.queries.ts';
import type { ShownStopper } from '../credentials/stoppers.queries.ts';
import { STANDING } from '../credentials/stoppers.view.tsx';
import { Field, FormError, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { Empty } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import { DrillLine } from './drill-line.tsx';
import type { DrillObstacles, PathCanaries } from './drills.queries.ts';

export function DrillsView({
  frame,
  head,
  stoppers,
  canaries,
  obstacles,
  drills,
  problem,
  form,
}: {
  frame: Frame;
  head: CredentialHead;
  stoppers: readonly ShownStopper[];
  canaries: readonly PathCanaries[];
  /** Why each path by machine cannot be drilled now. */
  obstacles: ReadonlyMap<Id, DrillObstacles>;
  drills: readonly DrillView[];
  problem?: string;
  form?: { pathId: string; problems: FormProblems; typed: Readonly<Record<string, string>> };
}) {
  const base = `/credentials/${head.reference}/drills`;
  return (
    <Page
      title={`Drills of ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Portfolio', path: '/portfolio' },
        { title: head.name, path: `/credentials/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Drills</h1>
          <p class="lead">
            A path counts once it was tried: by machine on a canary that nobody needs, by a person with a
            call. The credential itself is never touched.
          </p>
        </div>
      </div>
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      <div class="grid">
        <div class="w7 rows">
          {stoppers.length === 0 && (
            <section class="card">
              <h2>Paths</h2>
              <Empty>Nobody can stop it: there is nothing to drill.</Empty>
            </section>
          )}
          {stoppers.map((stopper) => (
            <PathCard
              frame={frame}
              base={base}
              stopper={stopper}
              canaries={canaries.find((one) => one.pathId === stopper.pathId)}
              obstacles={obstacles.get(stopper.pathId)}
              running={drills.some((one) => one.pathId === stopper.pathId && one.endedAt === null)}
              form={form?.pathId === stopper.pathId ? form : undefined}
            />
          ))}
        </div>
        <section class="card w5">
          <h2>
            What they showed <span class="aside">{drills.length}</span>
          </h2>
          {drills.length === 0 && <Empty>No path of it was ever tried.</Empty>}
          <ul class="plain">
            {drills.map((one) => (
              <DrillLine drill={one} />
            ))}
          </ul>
        </section>
      </div>
    </Page>
  );
}

function PathCard({
  frame,
  base,
  stopper,
  canaries,
  obstacles,
  running,
  form,
}: {
  frame: Frame;
  base: string;
  stopper: ShownStopper;
  canaries: PathCanaries | undefined;
  obstacles: DrillObstacles | undefined;
  running: boolean;
  form: { problems: FormProblems; typed: Readonly<Record<string, string>> } | undefined;
}) {
  const { tone, word } = STANDING[stopper.standing];
  return (
    <section class="card">
      <h2>
        {stopper.label} <span class="aside">{stopper.partyName}</span>
      </h2>
      <p class="line">
        <Chip tone={tone}>{word}</Chip>
        <span class="soft small">
          {stopper.measured
            ? `${stopper.expectedMinutes} min in the last drill`
            : `about ${stopper.expectedMinutes} min, never measured`}
        </span>
        {canaries && (
          <Chip tone={canaries.ready > 0 ? 'dead' : 'wait'}>
            {canaries.ready > 0
              ? `${canaries.ready} ${canaries.ready === 1 ? 'canary' : 'canaries'} ready`
              : 'no canary ready'}
          </Chip>
        )}
        {canaries?.sandbox && <span class="soft small">drilled at {canaries.connectionName}</span>}
      </p>
      {running ? (
        <p class="notice wait">A drill of this path is under way.</p>
      ) : (
        <>
          <p class="soft small">
            {stopper.kind === 'contact'
              ? 'Sends the contact a call, and measures until they answer. Silence for a day is a failure.'
              : 'Revokes one canary, and measures until it is proven dead.'}
            {!frame.may('runs:start') && ' A responder or an administrator starts it.'}
          </p>
          {obstacles?.drill && <p class="notice wait">{obstacles.drill}</p>}
          {frame.may('runs:start') && !obstacles?.drill && (
            <PostForm frame={frame} action={`${base}/${stopper.pathId}`} label={`Drill ${stopper.label}`}>
              {stopper.kind === 'connector' && (
                <>
                  {obstacles?.['rotation-drill'] ? (
                    <p class="soft small">{obstacles['rotation-drill']}</p>
                  ) : (
                    <label class="check">
                      <input type="checkbox" name="runbook" value="rotation-drill" />
                      <span>
                        Rotate it
                        <span class="soft small">
                          {' '}
                          Makes a new canary at the supplier, sees it work, and only then revokes the old one.
                        </span>
                      </span>
                    </label>
                  )}
                  <Faults prefix={stopper.pathId} />
                </>
              )}
              <button type="submit">Drill this path</button>
            </PostForm>
          )}
        </>
      )}
      {canaries && frame.may('connections:write') && (
        <details open={form !== undefined || canaries.ready === 0}>
          <summary>Record a canary</summary>
          <p class="soft small">
            Issue a credential at the supplier that nobody uses. The next drill of {canaries.connectionName}{' '}
            kills it.
          </p>
          <PostForm frame={frame} action={`${base}/${stopper.pathId}/canary`} label="Record a canary">
            <FormError problems={form?.problems} />
            <Field
              name="label"
              label="Name at the supplier"
              required
              maxLength={200}
              idPrefix={stopper.pathId}
              value={form?.typed['label']}
              problem={form?.problems['label']}
            />
            <Field
              name="supplierId"
              label="The supplier’s id"
              maxLength={300}
              idPrefix={stopper.pathId}
              value={form?.typed['supplierId']}
              problem={form?.problems['supplierId']}
            />
            <Field
              name="value"
              label="Its value"
              hint="Kept sealed until the drill, and never shown."
              type="password"
              autocomplete="off"
              idPrefix={stopper.pathId}
              problem={form?.problems['value']}
            />
            <button type="submit" class="plain">
              Record it
            </button>
          </PostForm>
        </details>
      )}
    </section>
  );
}

/** What may be made to go wrong. */
function Faults({ prefix }: { prefix: string }) {
  return (
    <details>
      <summary>Make something go wrong</summary>
      <p class="soft small">
        On the canary of this drill alone: nothing else can be hit. The result says whether what had to come
        of it did.
      </p>
      {DRILL_FAULTS.map((fault) => (
        <label class="check">
          <input type="checkbox" name={fault} value="1" aria-describedby={`${prefix}-${fault}`} />
          <span>
            {FAULT_WORDS[fault].title}
            <span id={`${prefix}-${fault}`} class="soft small">
              {` ${FAULT_WORDS[fault].does} ${FAULT_WORDS[fault].expected}`}
            </span>
          </span>
        </label>
      ))}
    </details>
  );
}
