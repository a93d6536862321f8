import type {
  MassRevocationView,
  Selection,
  WhoBreaks,
} from '../../domain/incidents/mass-revocation.schema.ts';
import { DependencyGraph, type GraphNode } from '../shared/charts.tsx';
import { Field, PostForm, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty, Facts, Stat } from '../shared/parts.tsx';
import { Chip, StateChip, words } from '../shared/states.tsx';
import type { NamedThing } from './mass.queries.ts';
import { MassState, Progress } from './progress.tsx';

export function MassView({
  frame,
  mass,
  own,
  breaks,
  supplier,
  integration,
  problems,
}: {
  frame: Frame;
  mass: MassRevocationView;
  /** The reader asked for it. */
  own: boolean;
  breaks: WhoBreaks;
  supplier: NamedThing | undefined;
  integration: NamedThing | undefined;
  problems: FormProblems | undefined;
}) {
  const selection = mass.selection as Selection;
  return (
    <Page
      title={mass.reference}
      frame={frame}
      moves
      crumbs={[{ title: 'Mass revocation', path: '/mass-revocations' }]}
    >
      <div class="head">
        <div>
          <p class="ref">{mass.reference}</p>
          <h1>{titleOf(mass)}</h1>
          <p class="lead">{mass.reason}</p>
        </div>
        <p class="line">
          <MassState state={mass.state} />
          {mass.force && <Chip tone="live">forced: waits for nobody, proves nothing</Chip>}
        </p>
      </div>
      <Moving mass={mass} />
      <div class="counts after">
        <Stat
          value={breaks.integrations.length}
          word={
            breaks.integrations.length === 1 ? 'integration stands on them' : 'integrations stand on them'
          }
        />
        <Stat
          value={breaks.shared.length}
          word="are shared"
          tone={breaks.shared.length > 0 ? 'wait' : 'calm'}
        />
        <Stat value={breaks.decisions.act} word="are revoked at once" tone="live" />
        <Stat value={breaks.decisions.approve} word="wait for an approval" tone="wait" />
        <Stat value={breaks.decisions.replace_first} word="wait for a replacement" tone="wait" />
      </div>
      <div class="grid">
        <section class="card w12">
          <h2>Who breaks</h2>
          <DependencyGraph label="What stands on these credentials" nodes={nodesOf(mass, breaks)} />
          <Integrations breaks={breaks} />
        </section>
        {mass.state === 'draft' && <Decide frame={frame} mass={mass} own={own} problems={problems} />}
        {mass.state === 'overtaken' && <Overtaken frame={frame} mass={mass} />}
        <section class="card w6">
          <h2>What nobody can say</h2>
          {breaks.unknown.length === 0 ? (
            <Empty>Locations, systems and uses are on record for each of them.</Empty>
          ) : (
            <ul class="plain">
              {breaks.unknown.map((one) => (
                <li>{one}.</li>
              ))}
            </ul>
          )}
          {breaks.valueless.versions > 0 && <Valueless of={breaks.valueless} />}
          <h3>Where copies are</h3>
          {breaks.locations.length === 0 ? (
            <Empty>No copy is on record.</Empty>
          ) : (
            <p class="line">
              {breaks.locations.map(({ kind, count }) => (
                <Chip tone="calm">{`${count} × ${words(kind)}`}</Chip>
              ))}
            </p>
          )}
          <h3>Systems that they reach</h3>
          {breaks.systems.length === 0 ? (
            <Empty>None is known.</Empty>
          ) : (
            <ul class="plain">
              {breaks.systems.slice(0, 12).map(({ name, environment, credentials }) => (
                <li>
                  {name} <span class="soft">{`${environment}, by ${credentials}`}</span>
                </li>
              ))}
            </ul>
          )}
        </section>
        <section class="card w6">
          <h2>What was selected</h2>
          <Facts
            facts={[
              ...(supplier ? [['supplier', <Supplier of={supplier} />] as const] : []),
              ...(integration
                ? [
                    [
                      'integration',
                      <a href={`/integrations/${integration.reference}`}>{integration.name}</a>,
                    ] as const,
                  ]
                : []),
              ...(['environment', 'type', 'prefix', 'riskAtLeast'] as const).flatMap((key) =>
                selection[key] === undefined
                  ? []
                  : [[key === 'riskAtLeast' ? 'risk at least' : key, String(selection[key])] as const],
              ),
              ['asked', <At at={Date.parse(mass.askedAt)} />],
              ['approved', <At at={mass.approvedAt === null ? null : Date.parse(mass.approvedAt)} />],
              [
                'incidents',
                mass.incidents.length === 0
                  ? '–'
                  : mass.incidents.map((one) => (
                      <div class="line tight">
                        <a href={`/incidents/${one.reference}`}>{one.reference}</a>
                        <StateChip state={one.state} />
                      </div>
                    )),
              ],
            ]}
          />
          {breaks.gone > 0 && <p>{`${breaks.gone} of them were retired or proven dead since.`}</p>}
          {breaks.added.length > 0 && (
            <>
              <h3>Came later, and are not in it</h3>
              <ul class="plain">
                {breaks.added.slice(0, 20).map((one) => (
                  <li>
                    <a href={`/credentials/${one.reference}`}>{one.name}</a>{' '}
                    <span class="soft">{`version ${one.version}`}</span>
                  </li>
                ))}
              </ul>
            </>
          )}
          {breaks.shared.length > 0 && (
            <>
              <h3>Shared: more than one breaks</h3>
              <ul class="plain">
                {breaks.shared.slice(0, 20).map((one) => (
                  <li>
                    <a href={`/credentials/${one.reference}`}>{one.name}</a>{' '}
                    <span class="soft">{`used by ${one.uses} integrations`}</span>
                  </li>
                ))}
              </ul>
            </>
          )}
        </section>
      </div>
    </Page>
  );
}

/** What whoever approves it approves, in a draft; else what was asked for. */
function titleOf({ state, left, versions }: MassRevocationView): string {
  const all = `${versions} ${versions === 1 ? 'version' : 'versions'}`;
  return state === 'draft' && left < versions
    ? `Revoke ${left} of ${all} together`
    : `Revoke ${all} together`;
}

const NEEDED: Readonly<Record<WhoBreaks['valueless']['listed'][number]['neededFor'], string>> = {
  revoke: 'to be revoked',
  probe: 'to be proven dead',
  revoke_and_probe: 'to be revoked and proven dead',
};

/** Who will be needed beside the machine, told before anybody approves. */
function Valueless({ of: { versions, listed } }: { of: WhoBreaks['valueless'] }) {
  const more = versions - Math.min(listed.length, 20);
  return (
    <>
      <h3>Their value is not kept here</h3>
      <p>
        {versions === 1
          ? '1 version will need a person: no machine can go on without its value.'
          : `${versions} versions will need a person: no machine can go on without their values.`}
      </p>
      <ul class="plain">
        {listed.slice(0, 20).map((one) => (
          <li>
            <a href={`/credentials/${one.reference}`}>{one.name}</a>{' '}
            <span class="soft">{`version ${one.version}, ${NEEDED[one.neededFor]}`}</span>
          </li>
        ))}
        {more > 0 && <li class="soft">{`and ${more} more`}</li>}
      </ul>
    </>
  );
}

function Supplier({ of }: { of: NamedThing }) {
  return (
    <>
      {of.name}
      <div class="small">
        <a href={`/completeness/${of.reference}`}>everything of it, and what is proven</a>
      </div>
    </>
  );
}

/** The bar by itself, for the page that asks for it as it works. */
export function ProgressView({ frame, mass }: { frame: Frame; mass: MassRevocationView }) {
  return (
    <Page title={`${mass.reference}, how far it is`} frame={frame} moves>
      <h1>{`How far ${mass.reference} is`}</h1>
      <Moving mass={mass} />
      <p>
        <a href={`/mass-revocations/${mass.reference}`}>Everything about it</a>
      </p>
    </Page>
  );
}

function Moving({ mass }: { mass: MassRevocationView }) {
  const { standings, versions, state } = mass;
  const works =
    state === 'approved' || (state === 'started' && standings.proven_dead + standings.no_version < versions);
  const moving = works
    ? {
        'hx-get': `/mass-revocations/${mass.reference}/progress`,
        'hx-trigger': 'every 2s',
        'hx-select': '#progress',
        'hx-swap': 'outerHTML',
      }
    : {};
  return (
    <section class="card slim" id="progress" {...moving}>
      <h2>{`${standings.proven_dead} of ${versions} proven dead`}</h2>
      <Progress mass={mass} />
      {mass.toStart > 0 && <p>{`${mass.toStart} of them are still to start.`}</p>}
    </section>
  );
}

function Decide({
  frame,
  mass,
  own,
  problems,
}: {
  frame: Frame;
  mass: MassRevocationView;
  own: boolean;
  problems: FormProblems | undefined;
}) {
  return (
    <section class="card w12">
      <h2>Decide</h2>
      <p>
        What stands here is frozen: it is what will be revoked, the riskiest first. Whoever asked for it
        cannot approve it.
      </p>
      {mass.left < mass.versions && (
        <p>
          {`${mass.versions - mass.left} of ${mass.versions} versions ${mass.versions - mass.left === 1 ? 'was' : 'were'} proven dead since: `}
          <b>{`${mass.left} ${mass.left === 1 ? 'is' : 'are'} left`}</b>, and that is what is approved.
        </p>
      )}
      {own && <p class="notice wait">You asked for it: a second person approves it.</p>}
      {frame.may('revocations:approve') && !own && (
        <PostForm frame={frame} action={`/mass-revocations/${mass.reference}/approve`} label="Approve">
          <Field
            name="versions"
            label="How many versions are revoked?"
            hint="Type the number above: you approve what you saw."
            problem={problems?.['versions']}
            required
            type="number"
          />
          <button class="danger" type="submit">
            {mass.force ? 'Approve, and wait for nobody' : 'Approve'}
          </button>
        </PostForm>
      )}
      <Withdraw frame={frame} mass={mass} />
    </section>
  );
}

/** Others killed all of it: nobody is waited for. */
function Overtaken({ frame, mass }: { frame: Frame; mass: MassRevocationView }) {
  return (
    <section class="card w12">
      <h2>Nothing is left to do</h2>
      <p>Every version of it is proven dead by now. Nobody has to approve it, and nothing will be revoked.</p>
      <Withdraw frame={frame} mass={mass} />
    </section>
  );
}

function Withdraw({ frame, mass }: { frame: Frame; mass: MassRevocationView }) {
  if (!frame.may('revocations:ask')) return null;
  return (
    <PostForm frame={frame} action={`/mass-revocations/${mass.reference}/withdraw`} label="Withdraw">
      <button class="plain" type="submit">
        Withdraw
      </button>
    </PostForm>
  );
}

function Integrations({ breaks }: { breaks: WhoBreaks }) {
  return (
    <DataTable
      caption="Integrations that stand on them"
      columns={[
        { title: 'Integration' },
        { title: 'State' },
        { title: 'Credentials', numeric: true },
        { title: 'Parties' },
        { title: 'Last use' },
      ]}
      rows={breaks.integrations.map((one) => [
        <div>
          <a href={`/integrations/${one.reference}`}>
            <b>{one.name}</b>
          </a>
          <div class="soft small">
            {one.home ? one.reference : `${one.reference}, by a shared credential`}
          </div>
        </div>,
        <StateChip state={one.state} of="integration" />,
        one.credentials,
        one.parties.join(', ') || '–',
        <At
          at={one.lastUsedAt === null ? null : Date.parse(one.lastUsedAt)}
          day
          empty="not seen, which is not never"
        />,
      ])}
    />
  );
}

/** Few enough to be seen at once; the table has them all. */
const DRAWN = 6;

function nodesOf(mass: MassRevocationView, breaks: WhoBreaks): GraphNode[] {
  const rest = breaks.integrations.length - DRAWN;
  const parties = [...new Set(breaks.integrations.flatMap((one) => one.parties))];
  return [
    {
      id: 'selection',
      title: mass.reference,
      note: `${breaks.credentials} credentials`,
      depth: 0,
      tone: 'live',
    },
    ...breaks.integrations.slice(0, DRAWN).map((one) => ({
      id: one.id,
      title: one.name,
      note: `${one.credentials} of them${one.home ? '' : ', shared'}`,
      depth: 1,
      path: `/integrations/${one.reference}`,
      tone: one.state === 'live' ? ('wait' as const) : undefined,
    })),
    ...(rest > 0 ? [{ id: 'rest', title: `${rest} more`, note: 'see the table', depth: 1 }] : []),
    ...parties
      .slice(0, DRAWN)
      .map((party) => ({ id: `party ${party}`, title: party, note: 'is in one of them', depth: 2 })),
    ...(parties.length > DRAWN
      ? [{ id: 'parties', title: `${parties.length - DRAWN} more parties`, note: 'see the table', depth: 2 }]
      : []),
  ];
}
