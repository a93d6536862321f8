import { ConvergenceBar } from '../credentials/convergence.tsx';
import { CopiesChip, FacetChip, shownBy } from '../credentials/facets.tsx';
import { At, Countdown, DataTable, Empty } from '../shared/parts.tsx';
import { Short, tally, type Tally } from '../shared/fold.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import { ATTEMPT } from '../credentials/stoppers.view.tsx';
import type { ExposedCredential } from './room.queries.ts';

const STANDING: Readonly<Record<ExposedCredential['standing'], { tone: Tone; word: string }>> = {
  alive: { tone: 'live', word: 'alive' },
  unproven: { tone: 'doubt', word: 'unproven' },
  dead: { tone: 'dead', word: 'proven dead' },
};

/** How many of these stand how. */
export function standings(credentials: readonly ExposedCredential[]): Tally[] {
  return tally(credentials, ({ standing }) => STANDING[standing]);
}

/** Each exposed version with its four facets, none of which implies another. */
export function ExposedCredentials({
  credentials,
  now,
}: {
  credentials: readonly ExposedCredential[];
  now: number;
}) {
  if (credentials.length === 0) return <Empty>No credential of ours was matched yet.</Empty>;
  return (
    <DataTable
      caption="Exposed credentials"
      close
      columns={[
        { title: 'Credential' },
        { title: 'Stands' },
        { title: 'Revocation' },
        { title: 'Verifier says' },
        { title: 'Sessions' },
        { title: 'Copies' },
        { title: 'Authority' },
      ]}
      rows={credentials.map((one) => [
        <div>
          <a href={`/credentials/${one.reference}`}>
            <b>{one.name}</b>
          </a>{' '}
          <span class="soft small">version {one.number}</span>
          <div class="soft small">
            <a href={`/integrations/${one.integrationReference}`}>{one.integrationName}</a>
            {` · ${one.environment}`}
            {one.supplier && (
              <>
                {' · '}
                {one.supplierReference ? (
                  <a
                    href={`/completeness/${one.supplierReference}`}
                    title="Everything of it, and what is proven"
                  >
                    {one.supplier}
                  </a>
                ) : (
                  one.supplier
                )}
              </>
            )}
          </div>
        </div>,
        <div class="rows tight">
          <Chip tone={STANDING[one.standing].tone}>{STANDING[one.standing].word}</Chip>
          {one.statements.length > 0 && (
            <Chip tone="info">{`signed: ${one.statements.map(words).join(', ')}`}</Chip>
          )}
          {one.riskUntil !== null && (
            <span class="soft small">
              risk accepted until <At at={one.riskUntil} day />
            </span>
          )}
        </div>,
        <FacetChip facet="revocation" value={one.revocation ?? 'none'} exposed />,
        <div>
          <FacetChip facet="liveness" value={one.liveness} exposed />
          {one.livenessAt !== null && (
            <div class="soft small">
              <At at={one.livenessAt} time />
            </div>
          )}
        </div>,
        <div>
          <FacetChip facet="sessions" value={one.sessions} exposed />
          {one.sessionsUntil !== null && (
            <div class="soft small">
              {one.sessions === 'residual' && one.sessionsUntil > now && (
                <Countdown dueAt={one.sessionsUntil} now={now} />
              )}{' '}
              until <At at={one.sessionsUntil} />
            </div>
          )}
        </div>,
        <CopiesChip
          copies={one.copies.length}
          gone={one.copies.filter((copy) => copy.verdict === 'gone').length}
          unprovable={
            one.copies.filter((copy) => copy.provable === 'no' || copy.verdict === 'cannot_be_proven').length
          }
          exposed
        />,
        <div class="small">
          {words(one.authority)}
          <div class="soft">{one.match === 'value' ? 'matched by value' : 'matched by its description'}</div>
        </div>,
      ])}
    />
  );
}

/** Who can still stop what lives: the first to call of each, pinned where nobody overlooks it. */
export function StillAlive({ credentials }: { credentials: readonly ExposedCredential[] }) {
  const open = credentials.filter(({ standing }) => standing !== 'dead');
  if (open.length === 0) return null;
  return (
    <DataTable
      caption="Who can still stop what lives"
      close
      columns={[{ title: 'Not proven dead' }, { title: 'Call first' }, { title: 'Then' }]}
      rows={open.map((one) => {
        // Who has just given up is not who to call.
        const [first, ...others] = [
          ...one.stoppers.filter(({ attempt }) => attempt?.state !== 'gave_up'),
          ...one.stoppers.filter(({ attempt }) => attempt?.state === 'gave_up'),
        ];
        return [
          <span>
            <span class="line tight">
              <b>{one.name}</b>
              <Chip tone={STANDING[one.standing].tone}>{STANDING[one.standing].word}</Chip>
            </span>
            <Tried attempts={one.attempts} />
          </span>,
          first ? (
            <span>
              {first.label} <span class="soft">{first.partyName}</span>{' '}
              {first.drillsKnown && first.standing !== 'proven' && <Chip tone="live">not proven</Chip>}
              <span class="soft small">
                {first.reach ? ` · ${first.reach}` : ''} · {first.measured ? '' : 'about '}
                {first.expectedMinutes} min
              </span>
            </span>
          ) : (
            <Chip tone="live">nobody can stop it</Chip>
          ),
          others.map((other) => `${other.label}${other.reach ? ` (${other.reach})` : ''}`).join(', '),
        ];
      })}
    />
  );
}

/** Which ways were tried one after another, and which is being tried now. */
function Tried({ attempts }: { attempts: ExposedCredential['attempts'] }) {
  if (attempts.length === 0) return null;
  return (
    <ol class="stoppers small">
      {attempts.map((attempt) => (
        <li>
          {attempt.label ?? (attempt.kind === 'connector' ? 'a connection' : 'a contact')}{' '}
          <Chip tone={ATTEMPT[attempt.state].tone}>{ATTEMPT[attempt.state].word}</Chip>
          {attempt.reason !== '' && <div class="soft">{attempt.reason}</div>}
        </li>
      ))}
    </ol>
  );
}

/** Where copies of each credential lie: those in sight of which one is not gone. */
export function Board({
  credentials,
  incident,
}: {
  credentials: readonly ExposedCredential[];
  /** Reference of the incident. */
  incident: string;
}) {
  const rows = credentials.filter(({ copies }) => copies.length > 0);
  if (rows.length === 0) return <Empty>No copy is known of what was exposed.</Empty>;
  return (
    <Short
      id="copies"
      items={rows}
      first={2}
      needs={({ copies }) => copies.some(notGone)}
      more="Copies of the other credentials"
      settled="Every copy gone"
      states={(part) =>
        tally(
          part.flatMap(({ copies }) => copies),
          standingOf,
        )
      }
    >
      {(part) => <BoardTable rows={part} incident={incident} />}
    </Short>
  );
}

type ShownCopy = ExposedCredential['copies'][number];
const notGone = ({ verdict }: ShownCopy) => verdict !== 'gone';

function BoardTable({ rows, incident }: { rows: readonly ExposedCredential[]; incident: string }) {
  return (
    <table class="board copy-board">
      <caption class="skip">Copies of each exposed credential</caption>
      <thead class="skip">
        <tr>
          <th scope="col">Credential</th>
          <th scope="col">Its copies</th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr>
            <th scope="row">
              <a href={`/credentials/${row.reference}`}>{row.name}</a>
              <div class="bar-cell">
                {row.convergence ? (
                  <ConvergenceBar
                    convergence={row.convergence}
                    label={`Copies of ${row.name} that hold version ${row.convergence.target}`}
                  />
                ) : (
                  <span class="soft small">no other version has taken its place yet</span>
                )}
              </div>
            </th>
            <td>
              <Short
                id={`copies-${row.versionId}`}
                items={row.copies}
                first={4}
                needs={notGone}
                more="More of its copies"
                settled="Gone"
                states={(part) => tally(part, standingOf)}
              >
                {(part) => (
                  <ul class="copies">
                    {part.map((copy) => (
                      <Copy copy={copy} path={`/incidents/${incident}/items/copy/${copy.id}`} />
                    ))}
                  </ul>
                )}
              </Short>
            </td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

const COPY: Readonly<Record<string, { tone: Tone; word: string }>> = {
  gone: { tone: 'dead', word: 'gone' },
  present: { tone: 'live', word: 'still there' },
  cannot_be_proven: { tone: 'doubt', word: 'cannot be proven' },
};

/** In a colour and a word; what was not looked at is in doubt. */
function standingOf({ verdict, provable }: ShownCopy): { tone: Tone; word: string } {
  const known = verdict ? COPY[verdict] : undefined;
  if (provable === 'no' && verdict !== 'gone')
    return { tone: known?.tone ?? 'doubt', word: 'active location cannot be proved' };
  return known ?? { tone: 'wait', word: 'not looked' };
}

function Copy({ copy, path }: { copy: ShownCopy; path: string }) {
  const { tone, word } = standingOf(copy);
  return (
    <li class={tone}>
      <Chip tone={tone}>{word}</Chip>
      <a class="small block" href={path}>
        <b>{copy.name}</b>
      </a>
      <span class="soft small block">
        {words(copy.kind)}
        {copy.path && ` · ${copy.path}`}
        {copy.partyName && ` · ${copy.partyName}`}
        {copy.verdict === 'gone' && ` · ${shownBy(copy.method)}`}
      </span>
    </li>
  );
}
