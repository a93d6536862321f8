import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { ObligationView, SupplierAccountView } from '../../domain/obligations/obligation.schema.ts';
import { ClockLanes } from '../shared/charts.tsx';
import { Field, FormError, PostForm } from '../shared/forms.tsx';
import { Fold, tally } from '../shared/fold.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Countdown, DataTable, Empty, ShareBar, span } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';
import { AccountForm, AccountTable, type RefusedForm } from './supplier-accounts.view.tsx';
import type { RoomHead } from './room.queries.ts';

type Standing = Pick<ObligationView, 'obligation' | 'timeliness' | 'standing' | 'fulfilledAt' | 'watched'>;

/** A duty in one word and one colour: dated, without a number and not started look different, and so does what is over. */
export function standingOf(one: Standing): { tone: Tone; word: string } {
  if (one.obligation === 'withheld') return { tone: 'doubt', word: 'withheld' };
  if (one.obligation !== 'required') return { tone: 'calm', word: words(one.obligation) };
  if (one.timeliness === 'missed')
    return { tone: 'live', word: one.fulfilledAt === null ? 'late' : 'told late' };
  if (one.timeliness === 'met')
    return { tone: 'dead', word: one.standing === 'no_number' ? 'told' : 'told in time' };
  if (one.standing === 'not_started') return { tone: 'calm', word: 'not started' };
  if (one.watched) return { tone: 'info', word: 'watched' };
  if (one.standing === 'no_number') return { tone: 'doubt', word: 'no number' };
  return { tone: 'wait', word: 'dated' };
}

const CLOCKS_SHOWN = 12;

export interface RegisterModel {
  frame: Frame;
  head: RoomHead;
  obligations: readonly ObligationView[];
  total: number;
  /** How many of all stand how. */
  counts: readonly (Standing & { count: number })[];
  /** The place of the last one shown, where there are more. */
  next: string | null;
  /** Whether it is the first page. */
  first: boolean;
  hold: { reason: string; placedBy: string; placedAt: string } | null;
  accounts: readonly SupplierAccountView[];
  /** Suppliers of its cases, for an account of one. */
  suppliers: readonly { caseId: Id; partyId: Id; name: string }[];
  now: Millis;
  refused?: RefusedForm | undefined;
}

/** Everything that has to be told because of an incident, by whose rule and by when. */
export function ObligationsView({
  frame,
  head,
  obligations,
  total,
  counts,
  next,
  first,
  hold,
  accounts,
  suppliers,
  now,
  refused,
}: RegisterModel) {
  const path = `/incidents/${head.reference}/obligations`;
  const ours = counts.filter((one) => !one.watched);
  const count = (word: string) =>
    ours.reduce((sum, one) => sum + (standingOf(one).word === word ? one.count : 0), 0);
  const others = counts.reduce((sum, one) => sum + (one.watched ? one.count : 0), 0);
  const acts = frame.may('incidents:act');
  const running = obligations.filter(
    (one) =>
      one.standing === 'dated' && one.obligation === 'required' && one.startAt !== null && !one.watched,
  );
  return (
    <Page
      title={`Duties to tell of ${head.reference}`}
      frame={frame}
      crumbs={[
        { title: 'Incidents', path: '/incidents' },
        { title: head.reference, path: `/incidents/${head.reference}` },
      ]}
    >
      <div class="head">
        <div>
          <p class="ref">{head.reference}</p>
          <h1>Duties to tell</h1>
          <p class="lead">
            What agreements, laws and industry rules ask to be told, to whom and by when. A duty without a
            number is one: none is invented for it.
          </p>
        </div>
        {hold && <Chip tone="info">legal hold</Chip>}
      </div>
      <div class="grid">
        <section class="card w12">
          <h2>Where they stand</h2>
          <ShareBar
            label="Duties to tell"
            parts={[
              { tone: 'dead', word: 'told in time', count: count('told in time') },
              { tone: 'dead', word: 'told', count: count('told') },
              { tone: 'live', word: 'late', count: count('late') + count('told late') },
              { tone: 'wait', word: 'dated', count: count('dated') },
              { tone: 'doubt', word: 'no number', count: count('no number') },
              { tone: 'doubt', word: 'withheld', count: count('withheld') },
              { tone: 'calm', word: 'not started', count: count('not started') },
              { tone: 'calm', word: 'not required', count: count('not required') },
            ]}
          />
          {others > 0 && (
            <p class="soft small">
              Ours. {others} more {others === 1 ? 'is' : 'are'} the duty of others: what they told us of it
              stands at the end of the register.
            </p>
          )}
          <ClockLanes
            label={first ? 'The clocks that run' : 'The clocks that run, of this page'}
            now={now}
            lanes={running.slice(0, CLOCKS_SHOWN).map((one) => ({
              name: one.kind === 'notice' ? one.recipient : `${one.source.split(' ')[0]} ${words(one.phase)}`,
              note:
                one.kind === 'notice'
                  ? `${words(one.phase)}, ${one.reference}, ${one.caseReference}`
                  : one.caseReference,
              startAt: Date.parse(one.startAt!),
              warnAt: one.warnAt === null ? null : Date.parse(one.warnAt),
              escalateAt: null,
              dueAt: Date.parse(one.dueAt!),
              endedAt: one.fulfilledAt === null ? null : Date.parse(one.fulfilledAt),
              ...standingOf(one),
            }))}
          />
          {running.length > CLOCKS_SHOWN && (
            <p class="soft small">
              The {CLOCKS_SHOWN} that run out first, of {running.length}.
            </p>
          )}
        </section>
        <section class="card w12" id="register">
          <h2>
            Register{' '}
            <span class="aside">
              {obligations.length < total ? `${obligations.length} of ${total}` : `${total} in all`}
            </span>
          </h2>
          {obligations.length === 0 ? (
            <Empty>
              Nothing is known to be owed. Which laws apply follows from the regions and sectors of the
              operator and of the integration.
            </Empty>
          ) : (
            <Register obligations={obligations} now={now} />
          )}
          {(next !== null || !first) && (
            <p class="pager">
              {!first && <a href={`${path}#register`}>First page</a>}
              {next !== null && (
                <a href={`${path}?after=${encodeURIComponent(next)}#register`} rel="next">
                  Next
                </a>
              )}
            </p>
          )}
        </section>
        <section class="card w12" id="suppliers">
          <h2>When suppliers told us</h2>
          <AccountTable accounts={accounts} />
          {acts && suppliers.length > 0 && (
            <details open={refused?.form === 'account'}>
              <summary>Record when a supplier knew and told</summary>
              <AccountForm
                frame={frame}
                action={`${path}/accounts`}
                suppliers={suppliers}
                refused={refused?.form === 'account' ? refused : undefined}
              />
            </details>
          )}
        </section>
        <section class="card w12" id="hold">
          <h2>Legal hold</h2>
          {hold ? (
            <p>
              Nothing of this incident is erased or taken by retention: {hold.reason}{' '}
              <span class="soft small">
                ({hold.placedBy}, <At at={Date.parse(hold.placedAt)} />)
              </span>
            </p>
          ) : (
            <Empty>None stands on it: what is kept for its time is taken when that is over.</Empty>
          )}
          {acts && (
            <details open={refused?.form === 'hold'}>
              <summary>{hold ? 'Lift it' : 'Place one'}</summary>
              <PostForm
                frame={frame}
                action={`${path}/hold`}
                label={hold ? 'Lift the legal hold' : 'Place a legal hold'}
              >
                <FormError problems={refused?.form === 'hold' ? refused.problems : undefined} />
                {hold && <p class="hint">A second person lifts it, not who placed it.</p>}
                <input type="hidden" name="what" value={hold ? 'lift' : 'place'} />
                <Field
                  name="reason"
                  idPrefix="hold-"
                  label="Why"
                  required
                  value={refused?.form === 'hold' ? (refused.typed['reason'] ?? '') : ''}
                  problem={refused?.form === 'hold' ? refused.problems['reason'] : undefined}
                />
                <p class="actions">
                  <button type="submit">{hold ? 'Lift it' : 'Place it'}</button>
                </p>
              </PostForm>
            </details>
          )}
        </section>
      </div>
    </Page>
  );
}

/** What has to be told first, and whatever is late of it, is in sight; the rest is folded by how it stands. */
function Register({ obligations, now }: { obligations: readonly ObligationView[]; now: Millis }) {
  if (obligations.length <= UNFOLDED) return <RegisterTable obligations={obligations} now={now} />;
  const open = obligations.filter((one) => partOf(one) === 'open');
  const late = open.filter((one) => one.dueAt !== null && Date.parse(one.dueAt) < now).length;
  const inSight = Math.min(Math.max(IN_SIGHT, late), LATE_IN_SIGHT);
  const near = new Set(open.slice(0, inSight));
  return (
    <>
      {near.size > 0 && <RegisterTable obligations={[...near]} now={now} />}
      {FOLDS.map(([part, word]) => {
        const of = obligations.filter((one) => partOf(one) === part && !near.has(one));
        return (
          of.length > 0 && (
            <Fold id={`register-${part}`} word={word} states={tally(of, (one) => standingNow(one, now))}>
              <RegisterTable obligations={of} now={now} />
            </Fold>
          )
        );
      })}
    </>
  );
}

/** A register of no more is drawn as it is. */
const UNFOLDED = 16;
const IN_SIGHT = 6;
/** Of what is late, no more stand in sight; their fold says how many more there are. */
const LATE_IN_SIGHT = 12;

type Part = 'open' | 'later' | 'settled' | 'others';
const FOLDS: readonly [Part, string][] = [
  ['open', 'More that has to be told'],
  ['later', 'Not started'],
  ['settled', 'Nothing left to tell'],
  ['others', 'Duties of others'],
];

function partOf({ watched, obligation, timeliness, fulfilledAt, standing }: ObligationView): Part {
  if (watched) return 'others';
  if (obligation !== 'required' || timeliness === 'met' || fulfilledAt !== null) return 'settled';
  return standing === 'not_started' ? 'later' : 'open';
}

/** The same as of now: what ran out since it was last decided is late. */
function standingNow(one: ObligationView, now: Millis): { tone: Tone; word: string } {
  const ranOut = partOf(one) === 'open' && one.dueAt !== null && Date.parse(one.dueAt) < now;
  return ranOut ? { tone: 'live', word: 'late' } : standingOf(one);
}

function RegisterTable({ obligations, now }: { obligations: readonly ObligationView[]; now: Millis }) {
  return (
    <DataTable
      caption="Duties to tell"
      close
      columns={[{ title: 'Duty' }, { title: 'Whom' }, { title: 'From' }, { title: 'By' }, { title: 'State' }]}
      rows={obligations.map((one) => [
        <div>
          <a href={one.kind === 'notice' ? `/notices/${one.reference}` : `/obligations/${one.id}`}>
            <b>{one.title}</b>
          </a>
          <div class="soft small">
            {one.reference} · {words(one.phase)} · {one.caseReference}, {one.integrationName}
          </div>
          {one.watched && (
            <div class="small">
              <Chip tone="calm">{`duty of ${one.whose}`}</Chip>
            </div>
          )}
        </div>,
        <div>
          {one.recipient}
          <div class="soft small">{words(one.recipientRole)}</div>
          <ToldBy one={one} />
        </div>,
        <div>
          {one.startAt === null ? (
            <span class="soft">{words(one.startEvent)}, which has not happened</span>
          ) : (
            <>
              {words(one.startEvent)}
              <div class="soft small">
                <At at={Date.parse(one.startAt)} />
              </div>
            </>
          )}
          {one.disputed.length > 1 && <Chip tone="doubt">disputed</Chip>}
        </div>,
        <ByWhen one={one} now={now} />,
        <div>
          <Chip tone={standingOf(one).tone}>{standingOf(one).word}</Chip>
          {one.askedBy !== null && <div class="soft small">{one.askedBy} asks for “not required”</div>}
          {one.lateBy !== null && one.fulfilledAt !== null && (
            <div class="soft small">by {span(one.lateBy * 1000)}</div>
          )}
        </div>,
      ])}
    />
  );
}

/** What was written to tell it through us, and where that is. */
export function ToldBy({ one }: { one: ObligationView }) {
  if (one.told === null) return null;
  const { state, writtenId, notice, dispatch, receipt, contact } = one.told;
  if (notice !== null)
    return (
      <div class="small">
        <a href={`/notices/${notice}`}>{notice}</a> to {contact}: {WAYS[dispatch ?? 'owed']}
        {receipt !== null && receipt !== 'none' && `, ${words(receipt)}`}
      </div>
    );
  return (
    <div class="small">
      <a href={`/written-notices/${writtenId}`}>Notice to {contact}</a>:{' '}
      {state === 'drafted' ? 'waits for its approval' : 'not sent'}
    </div>
  );
}

const WAYS: Readonly<Record<string, string>> = {
  owed: 'about to be sent',
  attempting: 'being sent',
  accepted: 'taken by the peer',
  failed: 'could not be sent',
};

function ByWhen({ one, now }: { one: ObligationView; now: Millis }) {
  if (one.obligation === 'withheld')
    return (
      <div>
        not before
        <div class="small">
          <At at={one.withheldUntil === null ? null : Date.parse(one.withheldUntil)} />
        </div>
      </div>
    );
  if (one.standing === 'not_started') return <span class="soft">not started</span>;
  if (one.standing === 'no_number') return <span>without a number</span>;
  return (
    <div>
      {one.fulfilledAt === null && one.obligation === 'required' && !one.watched && (
        <Countdown
          dueAt={Date.parse(one.dueAt!)}
          warnAt={one.warnAt === null ? null : Date.parse(one.warnAt)}
          now={now}
        />
      )}
      <div class="soft small">
        <At at={Date.parse(one.dueAt!)} />
      </div>
    </div>
  );
}
