import { instantsIn, isZone } from '../kernel/calendar.ts';
import { Refused, refusal, type Refusal } from '../kernel/errors.ts';
import { iso, parseInstant, type Millis } from '../kernel/time.ts';
import { CLOCK_EVENTS, type ClockEvent, type ClockRule } from '../domain/obligations/clock-rule.schema.ts';
import { ClockRules } from '../domain/obligations/clock-rules.ts';
import {
  clockPhases,
  firstEvent,
  zoneOf,
  type ClockFacts,
  type PhaseClock,
} from '../domain/obligations/clock.rules.ts';
import { memberStateOf, workingDaysOf } from '../domain/obligations/holidays.ts';
import { SystemClock } from '../platform/clock/clock.ts';
import { templatesFolder } from '../platform/config/templates.ts';
import { print, type AddCommand } from './command.ts';

interface ClockOptions {
  start?: string;
  classified?: string;
  submitted: string[];
  event: string[];
  zone?: string;
  country?: string;
  entity?: string;
  list?: boolean;
  json?: boolean;
}

/**
 * `countersign clock RULE`: what a regulatory clock comes to, with its arithmetic. It needs neither database nor
 * configuration.
 *
 * Days are counted in the rule's own zone where the law has one (SEC: New York). Otherwise in `--zone`; without it, by
 * the offset that the first time is written with. `--zone` also reads times that have no offset; one that the zone's
 * clocks skip or show twice is refused. Holidays are those of the rule's country; where the rule says "Member State",
 * those of `--country`, else of the one whose clocks follow `--zone`, else none.
 *
 * A start that the rule does not count from is passed over, with a warning on stderr.
 *
 * Answers `{rule, phases: [{phase, due, dueDate, why}], notStarted}`; `due` is null where the duty has no number. Status
 * 2: something was given wrongly, with `--json` as one problem object.
 */
export const addClock: AddCommand = (program) => {
  program
    .command('clock')
    .description('compute the deadlines of a law or an industry rule, with the arithmetic; asks nobody')
    .argument('[rule]', 'its id, as in --list')
    .option('--start <time>', 'what the rule starts from: awareness, discovery, determination, assessment')
    .option('--classified <time>', 'when the incident was classified as major')
    .option(
      '--submitted <[phase=]time>',
      'when an earlier report was handed in; without a phase it stands for every one; may be given several times',
      collect,
      [],
    )
    .option('--event <event=time>', `another start event, of ${CLOCK_EVENTS.join(', ')}`, collect, [])
    .option('--zone <zone>', 'IANA name; reads times without an offset, and counts days where the rule may')
    .option('--country <country>', 'whose holidays count where the rule leaves it open: DE, DE-BY')
    .option('--entity <class>', 'the class of the one who owes it, where the rule knows classes')
    .option('--list', 'name the rules')
    .option('--json', 'print one JSON object')
    .action(async (id: string | undefined, options: ClockOptions) => {
      try {
        const rules = ClockRules.read(templatesFolder('clocks'));
        const today = iso(new SystemClock().now()).slice(0, 10);
        if (options.list) return list(rules.list(today), options.json);
        await compute(rules, id, today, options);
      } catch (thrown) {
        if (!options.json || !(thrown instanceof Refused)) throw thrown;
        print(JSON.stringify(problemOf(thrown.refusal)));
        process.exitCode = 2;
      }
    });
};

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

function wrong(code: string, message: string): Refused {
  return new Refused(refusal('invalid', code, message));
}

/** Beside the answer, which stays as it is without what is warned of. */
function warn(message: string): void {
  process.stderr.write(`countersign: ${message}\n`);
}

function problemOf({ code, message }: Refusal): object {
  return { type: 'about:blank', title: 'The clock cannot be computed', code, detail: message };
}

async function compute(
  rules: ClockRules,
  id: string | undefined,
  today: string,
  options: ClockOptions,
): Promise<void> {
  if (id === undefined) throw wrong('no-rule', 'Name a rule; --list names them all.');
  const known = rules.find(id, today);
  if (!known) {
    const ids = rules.list(today).map((rule) => rule.id);
    throw wrong('unknown-rule', `There is no rule ${id}. There are ${ids.join(', ')}.`);
  }
  if (options.zone !== undefined && !isZone(options.zone))
    throw wrong(
      'unknown-zone',
      `There is no time zone ${options.zone}. Name one like Europe/Berlin, or UTC.`,
    );
  const { events, submitted, first } = timesOf(known, options);
  const rule = rules.find(id, first === undefined ? today : iso(first.at).slice(0, 10))!;
  entityOf(rule, options.entity);
  const facts: ClockFacts = {
    events,
    submitted,
    ...(options.entity === undefined ? {} : { entity: options.entity }),
    zone: options.zone ?? first?.offset ?? 'UTC',
    calendar: await calendarOf(rule, options, [...Object.values(events), ...Object.values(submitted)]),
    reliefWithoutClass: true,
  };
  const phases = phasesOf(rule, facts);
  if (options.json) print(JSON.stringify(answerOf(rule, phases), null, 2));
  else report(rule, phases, facts);
}

/** All of it in years that a date of four digits can name (RFC 3339, section 1). */
function phasesOf(rule: ClockRule, facts: ClockFacts): PhaseClock[] {
  const given = [...Object.values(facts.events), ...Object.values(facts.submitted)];
  let phases: PhaseClock[] = [];
  try {
    if (given.every(hasYear)) phases = clockPhases(rule, facts);
  } catch (thrown) {
    // Of instants that no calendar reaches.
    if (!(thrown instanceof RangeError)) throw thrown;
  }
  const named = ({ startAt, due, dueDate }: PhaseClock) =>
    [startAt, due].every((at) => at === null || hasYear(at)) && (dueDate === null || DAY.test(dueDate));
  if (phases.length === 0 || !phases.every(named))
    throw wrong(
      'beyond-years',
      `The clock of ${rule.id} leaves the years 0001 to 9999 with these times: look at --start.`,
    );
  return phases;
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const YEARS = [Date.parse('0001-01-01T00:00:00Z'), Date.parse('9999-12-31T23:59:59.999Z')] as const;

function hasYear(at: Millis): boolean {
  return at >= YEARS[0] && at <= YEARS[1];
}

interface Times {
  events: Partial<Record<ClockEvent, Millis>>;
  submitted: Record<string, Millis>;
  /** The earliest given, with the offset it was written with. */
  first: { at: Millis; offset: string | undefined } | undefined;
}

function timesOf(rule: ClockRule, options: ClockOptions): Times {
  const times: Times = { events: {}, submitted: {}, first: undefined };
  const read = (text: string, option: string) => {
    const at = timeOf(text, option, options.zone);
    if (!times.first || at < times.first.at) times.first = { at, offset: /[+-]\d\d:\d\d$/.exec(text)?.[0] };
    return at;
  };
  const events = new Set(
    rule.phases.flatMap((phase) => [phase.event, ...(phase.cap ? [phase.cap.event] : [])]),
  );
  /** What the rule does not count from is read, too: a time that is none is never passed over. */
  const counts = (event: ClockEvent, option: string, ...texts: string[]) => {
    if (events.has(event)) return true;
    for (const text of texts) timeOf(text, option, options.zone);
    warn(
      `${rule.id} does not use ${option}: nothing in it counts from a ${event}. It counts from ${[...events].join(', ')}.`,
    );
    return false;
  };
  if (options.start !== undefined)
    times.events[firstEvent(rule) ?? 'awareness'] = read(options.start, '--start');
  if (options.classified !== undefined && counts('classification', '--classified', options.classified))
    times.events.classification = read(options.classified, '--classified');
  for (const text of options.event) {
    const [, name, time] = /^([a-z-]+)=(.+)$/.exec(text) ?? [];
    const event = CLOCK_EVENTS.find((one) => one === name);
    if (!event || event === 'submission' || time === undefined)
      throw wrong('bad-event', `--event takes EVENT=TIME, with one of ${CLOCK_EVENTS.join(', ')}.`);
    if (counts(event, `--event ${event}`, time)) times.events[event] = read(time, `--event ${event}`);
  }
  const earlier = rule.phases.flatMap(({ after }) => after ?? []);
  const submitted = options.submitted.map((text) => text.slice(text.indexOf('=') + 1));
  const isUsed = submitted.length > 0 && counts('submission', '--submitted', ...submitted);
  for (const text of isUsed ? options.submitted : []) {
    const [, phase, time] = /^([a-z][a-z0-9-]*)=(.+)$/.exec(text) ?? [];
    if (phase === undefined) times.events.submission = read(text, '--submitted');
    else if (!earlier.includes(phase))
      throw wrong(
        'unknown-phase',
        `Nothing in ${rule.id} follows a phase ${phase}. Reports that start another are ${earlier.join(', ')}.`,
      );
    else times.submitted[phase] = read(time!, `--submitted ${phase}`);
  }
  const [submission] = [times.events.submission, ...Object.values(times.submitted)]
    .filter((at) => at !== undefined)
    .sort((a, b) => a - b);
  if (
    submission !== undefined &&
    times.first &&
    submission === times.first.at &&
    startsBefore(times, submission)
  )
    throw wrong('submitted-too-early', 'A report was handed in before what it reports: look at --submitted.');
  return times;
}

function startsBefore({ events }: Times, submission: Millis): boolean {
  return Object.entries(events).some(([event, at]) => event !== 'submission' && at > submission);
}

function timeOf(text: string, option: string, zone: string | undefined): Millis {
  const at = parseInstant(text);
  if (at !== undefined && isDay(text)) return at;
  if (!/^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d{1,9})?)?$/.test(text) || !isDay(text))
    throw wrong(
      'bad-time',
      `${option} is no time: ${JSON.stringify(text.slice(0, 60))}. Write one like 2026-11-22T06:30:00+01:00.`,
    );
  if (zone === undefined)
    throw wrong(
      'no-offset',
      `${option} has no offset from UTC, and no zone is given: it names no instant. Write ${text}Z or ${text}+01:00, or name --zone.`,
    );
  const [one, two] = instantsIn(text.replace(' ', 'T'), zone) ?? [];
  if (one === undefined)
    throw wrong(
      'skipped-time',
      `${option}: the clocks of ${zone} never show ${text}, since summer time leaves it out. Give the offset.`,
    );
  if (two !== undefined)
    throw wrong(
      'double-time',
      `${option}: the clocks of ${zone} show ${text} twice, at ${iso(one)} and at ${iso(two)}. Give the offset.`,
    );
  return one;
}

/** Date.parse takes the 30th of February for the 2nd of March. */
function isDay(text: string): boolean {
  const day = text.slice(0, 10);
  const at = Date.parse(`${day}T00:00:00Z`);
  return !Number.isNaN(at) && iso(at).startsWith(day);
}

function entityOf(rule: ClockRule, entity: string | undefined): void {
  if (entity === undefined || rule.entities.includes(entity)) return;
  throw wrong(
    'unknown-entity',
    rule.entities.length === 0
      ? `${rule.id} is the same for every class of entity: leave --entity out.`
      : `${rule.id} knows no class ${entity}. It knows ${rule.entities.join(', ')}.`,
  );
}

async function calendarOf(
  rule: ClockRule,
  options: ClockOptions,
  instants: readonly Millis[],
): Promise<ClockFacts['calendar']> {
  const country =
    rule.calendar === 'member-state' || rule.calendar === undefined
      ? (options.country ?? (rule.calendar === undefined ? undefined : memberStateOf(options.zone ?? '')))
      : rule.calendar;
  const years = instants.map((at) => new Date(at).getUTCFullYear());
  try {
    return await workingDaysOf(country, Math.min(...years, 9999), Math.min(Math.max(...years, 0) + 1, 9999));
  } catch {
    throw wrong(
      'unknown-country',
      `No holidays are known of ${country}. Write a country as DE, a part of it as DE-BY.`,
    );
  }
}

function answerOf(rule: ClockRule, phases: readonly PhaseClock[]): object {
  return {
    rule: rule.id,
    version: rule.version,
    basis: rule.basis,
    phases: phases
      .filter(({ standing }) => standing !== 'not_started')
      .map(({ phase, due, dueDate, why }) => ({ phase, due: due === null ? null : iso(due), dueDate, why })),
    notStarted: phases
      .filter(({ standing }) => standing === 'not_started')
      .map(({ phase, why }) => ({ phase, why })),
  };
}

const STANDING_WORDS = {
  no_number: 'no number',
  not_started: 'not started',
  not_in_force: 'not in force',
} as const;
const BASIS_WORDS = {
  text: 'the text was read',
  quoted: 'a quotation was read',
  unconfirmed: 'not confirmed',
};

function report(rule: ClockRule, phases: readonly PhaseClock[], facts: ClockFacts): void {
  print(`${rule.title}: ${rule.owes} to ${rule.tells}`);
  print(`${rule.source.text}, ${rule.source.article} (${BASIS_WORDS[rule.basis]}, as of ${rule.asOf})`);
  print('');
  const width = Math.max(5, ...phases.map(({ phase }) => phase.length));
  const zone = zoneOf(rule, facts);
  const day = Math.max(10, 7 + zone.length);
  print(`${'phase'.padEnd(width)}  ${'due (UTC)'.padEnd(24)}  ${`day in ${zone}`.padEnd(day)}  why`);
  for (const { phase, standing, due, dueDate, why } of phases)
    print(
      `${phase.padEnd(width)}  ${(standing === 'dated' ? iso(due!) : STANDING_WORDS[standing]).padEnd(24)}  ${(dueDate ?? '-').padEnd(day)}  ${why}`,
    );
  if (rule.note !== undefined) print(`\n${rule.note}`);
}

function list(rules: readonly ClockRule[], json: boolean | undefined): void {
  if (json)
    return print(
      JSON.stringify(
        {
          rules: rules.map(
            ({
              id,
              title,
              owes,
              tells,
              audience,
              source,
              basis,
              from,
              until,
              version,
              phases,
              entities,
            }) => ({
              id,
              title,
              owes,
              tells,
              audience,
              source,
              basis,
              from,
              until,
              version,
              phases: phases.map(({ phase }) => phase),
              entities,
            }),
          ),
        },
        null,
        2,
      ),
    );
  const width = Math.max(...rules.map(({ id }) => id.length));
  for (const { id, title, from, basis } of rules)
    print(
      `${id.padEnd(width)}  ${title}${from === null ? ' (not in force)' : ''}${basis === 'unconfirmed' ? ' (not confirmed)' : ''}`,
    );
}
