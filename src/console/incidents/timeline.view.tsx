import { At, Empty } from '../shared/parts.tsx';
import type { Frame } from '../shared/frame.ts';
import { Fold, Short, tally } from '../shared/fold.tsx';
import { words, type Tone } from '../shared/states.tsx';
import type { RoomInstant } from './room-context.queries.ts';
import type { Room } from './room.queries.ts';
import { NEWEST, type TimelineEntry } from './timeline.queries.ts';

/** Kinds of entries that turn the head; all others are told in their own words, in grey. */
const KINDS: Readonly<Record<string, { tone: Tone; says: string }>> = {
  'incident.opened': { tone: 'live', says: 'Incident opened' },
  'incident.triage': { tone: 'wait', says: 'A person has to judge first' },
  'incident.containing': { tone: 'live', says: 'Containing' },
  'incident.contained': { tone: 'dead', says: 'Contained: everything proven' },
  'incident.recovering': { tone: 'info', says: 'Recovering' },
  'incident.closed': { tone: 'calm', says: 'Closed' },
  'incident.dismissed': { tone: 'calm', says: 'Dismissed' },
  'incident.credential-exposed': { tone: 'live', says: 'Exposed' },
  'incident.match-confirmed': { tone: 'live', says: 'Confirmed by its value' },
  'case.opened': { tone: 'wait', says: 'Case opened' },
  'case.contained': { tone: 'dead', says: 'Case contained' },
  'revocation.requested': { tone: 'wait', says: 'Revocation asked for' },
  'revocation.accepted': { tone: 'info', says: 'Revocation accepted, not proven yet' },
  'revocation.gone': { tone: 'info', says: 'The supplier no longer knows it' },
  'revocation.rejected': { tone: 'live', says: 'Revocation refused' },
  'revocation.proven-dead': { tone: 'dead', says: 'Proven dead' },
  'revocation.came-back-to-life': { tone: 'live', says: 'Came back to life' },
  'revocation.seen-live': { tone: 'live', says: 'Seen alive' },
  'revocation.seen-indeterminate': { tone: 'doubt', says: 'Could not tell' },
  'revocation.sessions-ended': { tone: 'dead', says: 'Sessions ended' },
  'revocation.sessions-none': { tone: 'dead', says: 'It had no sessions' },
  'revocation.sessions-residual': { tone: 'wait', says: 'Sessions live on for a while' },
  'revocation.sessions-unknown': { tone: 'doubt', says: 'Sessions unknown' },
  'credential_version.value-destroyed': { tone: 'calm', says: 'Its value was destroyed here' },
  'run.started': { tone: 'info', says: 'Runbook started' },
  'run.done': { tone: 'dead', says: 'Runbook done' },
  'run.failed': { tone: 'live', says: 'Runbook failed' },
  'run.cancelled': { tone: 'calm', says: 'Runbook cancelled' },
  'step.approved': { tone: 'dead', says: 'Approved' },
  'step.rejected': { tone: 'live', says: 'Rejected' },
  'step.approval-lapsed': { tone: 'wait', says: 'Nobody answered in time; acted as agreed' },
  'notice.owed': { tone: 'wait', says: 'Notice owed' },
  'notice.accepted_by_peer': { tone: 'info', says: 'Notice taken by the peer' },
  'notice.acknowledged': { tone: 'dead', says: 'Acknowledged' },
  'notice.acknowledged_too_weakly': { tone: 'wait', says: 'Acknowledged, more weakly than is asked' },
  'notice.attempt_failed': { tone: 'wait', says: 'An attempt to tell failed' },
  'notice.acknowledgement_lapsed': { tone: 'wait', says: 'Acknowledged, and then nothing followed' },
  'notice.met': { tone: 'dead', says: 'Told in time' },
  'notice.missed': { tone: 'live', says: 'Told too late' },
  'notice.warned': { tone: 'wait', says: 'Clock warns' },
  'notice.escalated': { tone: 'live', says: 'Escalated' },
  'notice.failed': { tone: 'live', says: 'Notice failed' },
  'statement.signed': { tone: 'info', says: 'Statement signed' },
  'risk.accepted': { tone: 'doubt', says: 'Risk accepted' },
};

const ASSERTED: Readonly<Record<string, string>> = {
  system: 'computed',
  user: 'a user',
  token: 'over the API',
  source: 'a source',
};

/** What happened, newest first: every line is an entry of the ledger. */
function TimeLine({ entries }: { entries: readonly TimelineEntry[] }) {
  if (entries.length === 0) return <Empty>Nothing is on record yet.</Empty>;
  return (
    <Short
      id="timeline"
      items={entries}
      first={5}
      more="Earlier"
      states={({ length }) => [{ tone: 'calm', word: 'entries', count: length }]}
    >
      {(part) => <Entries entries={part} />}
    </Short>
  );
}

function Entries({ entries }: { entries: readonly TimelineEntry[] }) {
  return (
    <ol class="timeline">
      {entries.map((entry) => {
        const known = KINDS[entry.kind];
        return (
          <li class={known?.tone ?? ''} id={`e-${entry.id}`}>
            <At at={entry.at} />
            <b>{known?.says ?? sentence(entry.kind)}</b>
            {entry.subject && <> · {entry.subject}</>}
            <Told entry={entry} />
          </li>
        );
      })}
    </ol>
  );
}

/** Facts worth a glance; ids are for the ledger's own page. */
function Told({ entry }: { entry: TimelineEntry }) {
  const told = ['why', 'severity', 'match', 'authority', 'from', 'strength', 'outcome', 'count', 'exposures']
    .filter((name) => ['string', 'number'].includes(typeof entry.facts[name]))
    .map((name) => `${words(name)}: ${words(String(entry.facts[name]))}`);
  const by = entry.byKind === 'system' ? '' : ` · ${whoDid(entry)}`;
  const text = `${told.join(', ')}${by}`;
  return text ? <div class="soft small">{text.replace(/^ · /, '')}</div> : null;
}

function whoDid({ byName, byKind }: TimelineEntry): string {
  if (byName !== null) return `by ${byName}`;
  return byKind === 'token' ? 'over the API' : `by ${ASSERTED[byKind] ?? `a ${byKind}`}`;
}

function sentence(kind: string): string {
  const [what = '', happened = ''] = kind.split('.');
  const text = `${words(what)} ${words(happened)}`;
  return text.charAt(0).toUpperCase() + text.slice(1);
}

/** When what happened, by whose word: what the clocks start from. */
function Instants({ instants }: { instants: readonly RoomInstant[] }) {
  if (instants.length === 0) return null;
  return (
    <dl class="facts">
      {instants.map((instant) => (
        <>
          <dt>
            {words(instant.kind)}
            {instant.caseReference && <span class="small"> {instant.caseReference}</span>}
          </dt>
          <dd>
            <At at={instant.at} />
            <span class="soft small">
              {' · '}
              {instant.assertedByName ?? ASSERTED[instant.assertedBy] ?? instant.assertedBy}
              {instant.basis && `: ${instant.basis}`}
            </span>
          </dd>
        </>
      ))}
    </dl>
  );
}

/** The time line of a room, with the way to the whole of it. */
export function TimeLineOf({ room: { head, timeline }, frame }: { room: Room; frame: Frame }) {
  return (
    <>
      <TimeLine entries={timeline} />
      {timeline.length >= NEWEST && frame.may('ledger:read') && (
        <p class="soft small whole">
          {`The newest ${timeline.length} are here. `}
          <a class="button plain small" href={`/ledger?subject=${head.id}`}>
            The ledger of {head.reference}
          </a>
        </p>
      )}
    </>
  );
}

/** Whose word is a person's. */
const SAID: ReadonlySet<string> = new Set(['user', 'token']);

/**
 * Those of the incident in sight, those of its cases folded. Each further report adds its own: in sight is the earliest of
 * each kind, which clocks start from, and all that a person said.
 */
export function InstantsOf({ room: { instants } }: { room: Room }) {
  const ofCases = instants.filter(({ caseReference }) => caseReference);
  const own = instants.filter(({ caseReference }) => !caseReference);
  const earliest = new Map<string, RoomInstant>();
  for (const one of own) if (one.at < (earliest.get(one.kind)?.at ?? Infinity)) earliest.set(one.kind, one);
  const near = own.filter((one) => SAID.has(one.assertedBy) || earliest.get(one.kind) === one);
  const later = own.filter((one) => !near.includes(one));
  return (
    <>
      <Instants instants={near} />
      {later.length > 0 && (
        <Fold
          id="instants-later"
          word="Later reports of the same"
          states={tally(later, ({ kind }) => ({ tone: 'calm', word: words(kind) }))}
        >
          <Instants instants={later} />
        </Fold>
      )}
      {ofCases.length > 0 && (
        <Fold
          id="instants-of-cases"
          word="Of each case"
          states={[
            { tone: 'calm', word: ofCases.length === 1 ? 'instant' : 'instants', count: ofCases.length },
          ]}
        >
          <Instants instants={ofCases} />
        </Fold>
      )}
    </>
  );
}
