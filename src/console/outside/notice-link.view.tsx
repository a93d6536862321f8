import type { StrongerWays } from '../../domain/notices/acknowledgement-proofs.service.ts';
import type { ShownNotice } from '../../domain/notices/acknowledgement.service.ts';
import type { Millis } from '../../kernel/time.ts';
import { Field, FormError, type FormProblems } from '../shared/forms.tsx';
import { OutsidePage } from '../shared/layout.tsx';
import { Chip } from '../shared/states.tsx';
import { When } from '../shared/when.tsx';
import { wordsIn, type LinkWords } from './notice-link.words.ts';

interface Shown {
  notice: ShownNotice;
  now: Millis;
  /** Of this page. */
  path: string;
  proof: string;
  problems?: FormProblems;
  typed?: Readonly<Record<string, string>>;
}

function Letter({ notice }: { notice: ShownNotice }) {
  return (
    <>
      {!notice.subject.startsWith(notice.reference) && <p class="ref">{notice.reference}</p>}
      <h1 lang={notice.language}>{notice.subject}</h1>
      <div class="letter" lang={notice.language}>
        {notice.text}
      </div>
    </>
  );
}

/** What an answer says, and what is to be pressed for it. */
function asked(category: string, w: LinkWords) {
  if (category === 'drill') return w.drill;
  return category === 'contact-confirmation' ? w.confirmation : w.notice;
}

/** What is wrong, in the reader's language; what its words do not cover stays as it was said. */
function inWords(problems: FormProblems, w: LinkWords): FormProblems {
  return Object.fromEntries(
    Object.entries(problems).map(([field, problem]) => [field, w.problems[field] ?? problem]),
  );
}

function Time({ at, notice, now, w }: { at: Millis; notice: ShownNotice; now: Millis; w: LinkWords }) {
  return <When at={at} zone={notice.zone} now={now} language={w.language} away={w} />;
}

/** The notice and the one thing to do: type a name and the code of the message, and confirm. */
export function NoticeLinkView({
  notice,
  ways,
  now,
  path,
  proof,
  problems: given = {},
  typed = {},
}: Shown & { ways: StrongerWays }) {
  const w = wordsIn(notice.language);
  const problems = inWords(given, w);
  const { title, text, button } = asked(notice.category, w);
  return (
    <OutsidePage title={notice.subject} language={w.language}>
      <Letter notice={notice} />
      <section class="card">
        <h2>{title}</h2>
        <p>{text}</p>
        {notice.dueAt !== null && (
          <p class="soft small">
            {notice.dueAt < now ? w.was : w.is}
            {w.reach[0]}
            <Time at={notice.dueAt} notice={notice} now={now} w={w} />
            {w.reach[1]}
          </p>
        )}
        <Asked notice={notice} now={now} w={w} />
        <FormError problems={problems} />
        <form method="post" action={path} aria-label={title}>
          <input type="hidden" name="text_hash" value={notice.textHash} />
          <input type="hidden" name="proof" value={proof} />
          <Field
            name="name"
            label={w.name}
            hint={w.nameHint}
            value={typed['name'] ?? ''}
            problem={problems['name']}
            required
            maxLength={120}
            autocomplete="name"
          />
          <Field
            name="code"
            label={w.code}
            hint={w.codeHint}
            value={typed['code'] ?? ''}
            problem={problems['code']}
            required
            maxLength={12}
            autocomplete="off"
          />
          <Stronger path={path} notice={notice} ways={ways} problems={problems} typed={typed} w={w} />
          {notice.dueAt !== null && (
            <Field
              name="next"
              label={w.next}
              hint={w.nextHint}
              value={typed['next'] ?? ''}
              problem={problems['next']}
              maxLength={500}
            />
          )}
          <p class="actions">
            <button type="submit">{button}</button>
          </p>
        </form>
        <SecondChannels ways={ways} path={path} proof={proof} problem={problems['channel']} w={w} />
      </section>
      <p class="soft small">
        {w.exactly} <span class="mono">{notice.textHash.slice(0, 16)}…</span>
      </p>
    </OutsidePage>
  );
}

/** How strong an answer must be, where the code of the message is not enough; and what was given so far. */
function Asked({ notice, now, w }: { notice: ShownNotice; now: Millis; w: LinkWords }) {
  const { leastStrength, weaker } = notice;
  if (leastStrength === 'mailbox') return null;
  const least = `${w.strength[leastStrength]}${leastStrength === 'detached_signature' ? '' : w.orStronger}`;
  return weaker ? (
    <p class="notice wait" role="status">
      <Chip tone="wait">{w.stillOpen}</Chip> {weaker.name ?? w.somebody} {w.said[0]}{' '}
      <Time at={weaker.at} notice={notice} now={now} w={w} /> {w.said[1](w.strength[weaker.strength], least)}
    </p>
  ) : (
    <p class="notice wait">{w.toEnd(least)}</p>
  );
}

/** What may be given beside the code: a code by another channel, or a signature. */
function Stronger({
  path,
  notice,
  ways,
  problems,
  typed,
  w,
}: {
  path: string;
  notice: ShownNotice;
  ways: StrongerWays;
  problems: FormProblems;
  typed: Readonly<Record<string, string>>;
  w: LinkWords;
}) {
  const signing = notice.leastStrength === 'detached_signature' || Boolean(problems['signature']);
  return (
    <>
      {ways.codeBy && (
        <Field
          name="secondCode"
          label={w.secondCode(ways.codeBy)}
          hint={w.secondCodeHint}
          value={typed['secondCode'] ?? ''}
          problem={problems['secondCode']}
          maxLength={12}
          autocomplete="off"
        />
      )}
      {(ways.hasKey || signing) && (
        <details open={signing}>
          <summary>{w.sign}</summary>
          <p class="small">
            {w.signHow[0]} <a href={`${path}/document`}>notice.json</a>
            {w.signHow[1]} <code>ssh-keygen -Y sign -n countersign -f KEY notice.json</code>
          </p>
          <Field
            name="signature"
            label={w.signature}
            hint={ways.hasKey ? w.signatureHint : w.noKey}
            type="area"
            rows={5}
            value={typed['signature'] ?? ''}
            problem={problems['signature']}
          />
        </details>
      )}
    </>
  );
}

function SecondChannels({
  ways,
  path,
  proof,
  problem,
  w,
}: {
  ways: StrongerWays;
  path: string;
  proof: string;
  problem: string | undefined;
  w: LinkWords;
}) {
  if (ways.channels.length === 0) return null;
  return (
    <form method="post" action={`${path}/code`} aria-label={w.channels}>
      <h3>{w.channels}</h3>
      <p class="soft small">{w.channelsText}</p>
      <input type="hidden" name="proof" value={proof} />
      {problem && <p class="error">{problem}</p>}
      <p class="actions">
        {ways.channels.map(({ key, title }) => (
          <button class="plain" type="submit" name="channel" value={key}>
            {ways.codeBy === title ? w.sendAgain(title) : w.send(title)}
          </button>
        ))}
      </p>
    </form>
  );
}

export function AcknowledgedView({ notice, now, path, proof, problems: given = {}, typed = {} }: Shown) {
  const w = wordsIn(notice.language);
  const problems = inWords(given, w);
  const done = notice.acknowledged;
  return (
    <OutsidePage title={notice.subject} language={w.language}>
      <p class="notice dead" role="status">
        <Chip tone="dead">{w.acknowledged}</Chip> {done?.typedName ? w.by(done.typedName) : ''}
        {done && <Time at={done.at} notice={notice} now={now} w={w} />}
        {done && done.strength !== 'mailbox' && ` (${w.strength[done.strength]})`}. {w.thanks}
        {done?.nextAction ? w.nextOfYou(done.nextAction) : done?.lapsesAt == null && w.nothingMore}
      </p>
      {done && done.lapsesAt !== null && (
        <section class="card">
          <h2>{done.nextAction ? w.somethingElse : w.whatNext}</h2>
          <p>
            {done.nextAction ? w.stands[0] : w.stands[1]} {w.standsUntil[0]}{' '}
            <Time at={done.lapsesAt} notice={notice} now={now} w={w} />
            {w.standsUntil[1]}
          </p>
          <FormError problems={problems} />
          <form method="post" action={`${path}/next`} aria-label={w.whatNext}>
            <input type="hidden" name="proof" value={proof} />
            <Field
              name="next"
              label={w.nextAction}
              value={typed['next'] ?? ''}
              problem={problems['next']}
              required
              maxLength={500}
            />
            <p class="actions">
              <button type="submit">{w.saySo}</button>
            </p>
          </form>
        </section>
      )}
      <Letter notice={notice} />
    </OutsidePage>
  );
}

/** For links that open nothing, or nothing any more. */
export function BadLinkView({ ended, message }: { ended: boolean; message: string }) {
  return (
    <OutsidePage title={ended ? 'This link has ended' : 'This link opens nothing'}>
      <h1>{ended ? 'This link has ended' : 'This link opens nothing'}</h1>
      <p class="lead">{message}</p>
      <div class="card">
        <h2>What you can do</h2>
        <ul>
          <li>Open the link again from the newest mail; some mail programs cut long links in two.</li>
          <li>If the page stayed open for more than an hour, open the link in the mail once more.</li>
          <li>Else answer the mail: a person at the sender can send the notice again.</li>
        </ul>
      </div>
    </OutsidePage>
  );
}
