import { FAULT_WORDS } from '../../domain/revocation/drill-faults.rules.ts';
import type { DrillFinding, DrillView } from '../../domain/revocation/drill.schema.ts';
import { At, span } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';

const OUTCOME: Readonly<Record<string, Tone>> = { passed: 'dead', failed: 'live', cancelled: 'calm' };

/** One drill: how it ended, what came of each fault, and everything that happened, in order. */
export function DrillLine({ drill, href }: { drill: DrillView; href?: string }) {
  const events = eventsOf(drill);
  return (
    <li>
      <div class="line tight">
        <Chip tone={drill.outcome ? (OUTCOME[drill.outcome] ?? 'calm') : 'wait'}>
          {drill.outcome ?? 'under way'}
        </Chip>
        <b>{href ? <a href={href}>{`${drill.credential.name}, ${drill.label}`}</a> : drill.label}</b>
        <span class="soft small">
          <At at={Date.parse(drill.startedAt)} />
          {drill.seconds !== null && drill.outcome === 'passed' && drill.counts && (
            <> · {span(drill.seconds * 1000)}</>
          )}
        </span>
        {drill.runbook === 'rotation-drill' && <Chip tone="info">rotation</Chip>}
        {!drill.counts && <Chip tone="info">of the product, not of the path</Chip>}
      </div>
      {drill.findings.length === 0 ? (
        <>
          {drill.faults.length > 0 && (
            <div class="soft small">
              {drill.faults.map((fault) => `${FAULT_WORDS[fault].title}.`).join(' ')}
            </div>
          )}
          {drill.why && <div class="soft small">{drill.why}</div>}
        </>
      ) : (
        <ul class="plain">
          {drill.findings.map((finding) => (
            <Finding finding={finding} />
          ))}
        </ul>
      )}
      {events.length > 0 && (
        <details>
          <summary>What happened, in order ({events.length})</summary>
          <ol class="timeline">
            {events.map((one) => (
              <li class={one.tone}>
                <At at={one.at} />
                <b>{one.what}</b> <span class="soft small">{one.why}</span>
                {one.asked && <div class="mono small">{one.asked}</div>}
              </li>
            ))}
          </ol>
        </details>
      )}
    </li>
  );
}

function Finding({ finding: { fault, expected, held, said, seconds } }: { finding: DrillFinding }) {
  return (
    <li class="small">
      <div class="line tight">
        <Chip tone={held === null ? 'calm' : held ? 'dead' : 'live'}>
          {held === null ? 'did not happen' : held ? 'held' : 'did not hold'}
        </Chip>
        <b>{FAULT_WORDS[fault].title}</b>
        {seconds !== null && <span class="soft">proven {span(seconds * 1000)} later</span>}
      </div>
      <div>{said}</div>
      <div class="soft">Expected: {expected}</div>
    </li>
  );
}

interface Event {
  at: number;
  tone: '' | 'live' | 'dead' | 'wait' | 'doubt';
  what: string;
  why: string;
  asked: string;
}

/** Exchanges and what was made to go wrong, in one line of time. */
function eventsOf(drill: DrillView): Event[] {
  const exchanges = drill.evidence.map((one): Event => ({
    at: Date.parse(one.until),
    tone: one.outcome === 'dead' ? 'dead' : one.outcome === 'live' ? 'live' : '',
    what: `${words(one.kind)}: ${words(one.outcome)}`,
    why: `${one.why}${one.status === null ? '' : ` (${one.status})`}`,
    asked: one.asked,
  }));
  const faults = drill.injections.map((one): Event => ({
    at: Date.parse(one.at),
    tone: 'doubt',
    what: `Made to go wrong: ${FAULT_WORDS[one.fault].title.toLowerCase()}`,
    why: one.did,
    asked: '',
  }));
  return [...faults, ...exchanges].sort((a, b) => a.at - b.at);
}
