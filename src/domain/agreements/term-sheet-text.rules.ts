import type { DraftContent, DraftTerm } from './draft.schema.ts';
import { rungWords } from './ladder.rules.ts';
import type { Strength } from './term.rules.ts';

/** Whom the text speaks of. */
export interface SheetNames {
  us: string;
  them: string;
  contact(id: string): string;
}

interface Words {
  title: (us: string, them: string) => string;
  intro: string;
  tells: (from: string, to: string) => string;
  when: string;
  within: string;
  from: string;
  noNumber: string;
  units: Record<NonNullable<DraftTerm['window']>['unit'], (n: number) => string>;
  zone: string;
  calendar: string;
  weekdays: string;
  warns: (warn: number, escalate: number) => string;
  keptWhen: string;
  told: string;
  fallback: string;
  rung: (rung: { minutes?: number | undefined; percent?: number | undefined }) => string;
  authority: Record<DraftContent['authority'], string>;
  authorityTitle: string;
  within_: (minutes: number) => string;
  otherwise: Record<DraftContent['approveOtherwise'], string>;
  steps: string;
  drills: (days: number) => string;
  review: string;
  until: string;
  prevails: string;
  events: Readonly<Record<string, string>>;
  kept: Record<DraftTerm['fulfilledBy'], string>;
  answer: string;
  strengths: Record<Strength, string>;
}

const plural = (n: number, one: string, many: string) => (n === 1 ? `1 ${one}` : `${n} ${many}`);

const EN: Words = {
  title: (us, them) => `Terms between ${us} and ${them}`,
  intro: 'Who tells whom by when if a credential leaks, and what may be done without asking.',
  tells: (from, to) => `${from} tells ${to}`,
  when: 'when',
  within: 'within',
  from: 'counted from',
  noNumber: 'without undue delay',
  units: {
    'elapsed-hours': (n) => plural(n, 'hour', 'hours'),
    'calendar-days': (n) => plural(n, 'calendar day', 'calendar days'),
    'business-days': (n) => plural(n, 'business day', 'business days'),
    months: (n) => plural(n, 'month', 'months'),
  },
  zone: 'time zone',
  calendar: 'calendar',
  weekdays: 'Monday to Friday',
  warns: (warn, escalate) => `warning after ${warn} %, escalation after ${escalate} % of the time`,
  keptWhen: 'kept when',
  told: 'told',
  fallback: 'else',
  rung: (rung) => `after ${rungWords(rung)}`,
  authority: {
    revoke_now: 'the credential is revoked at once',
    replace_first: 'a replacement comes first',
    approve_within: 'somebody approves first',
  },
  authorityTitle: 'Authority to act',
  within_: (n) => `within ${plural(n, 'minute', 'minutes')}`,
  otherwise: { act: 'else it is done', escalate: 'else it is escalated' },
  steps: 'Containment agreed beforehand',
  drills: (days) => `The ways to stop a credential are tried every ${plural(days, 'day', 'days')}`,
  review: 'Review',
  until: 'In force until',
  prevails: 'Prevailing language',
  events: {},
  kept: {
    dispatched: 'sent',
    accepted_by_peer: 'accepted by the mail server of the other side',
    received: 'received',
    acknowledged: 'acknowledged',
  },
  answer: 'an answer counts if given by',
  strengths: {
    mailbox: 'link and code of one message',
    second_channel: 'a second channel, or stronger',
    account_mfa: 'an account with a code, or a signature with a key of one’s own',
    detached_signature: 'a signature with a key of one’s own',
  },
};

const DE: Words = {
  title: (us, them) => `Bedingungen zwischen ${us} und ${them}`,
  intro:
    'Wer wem bis wann Bescheid gibt, wenn Zugangsdaten bekannt werden, und was ohne Rückfrage getan werden darf.',
  tells: (from, to) => `${from} gibt ${to} Bescheid`,
  when: 'wenn',
  within: 'innerhalb von',
  from: 'gerechnet ab',
  noNumber: 'unverzüglich',
  units: {
    'elapsed-hours': (n) => plural(n, 'Stunde', 'Stunden'),
    'calendar-days': (n) => plural(n, 'Kalendertag', 'Kalendertagen'),
    'business-days': (n) => plural(n, 'Arbeitstag', 'Arbeitstagen'),
    months: (n) => plural(n, 'Monat', 'Monaten'),
  },
  zone: 'Zeitzone',
  calendar: 'Kalender',
  weekdays: 'Montag bis Freitag',
  warns: (warn, escalate) => `Warnung nach ${warn} %, Eskalation nach ${escalate} % der Zeit`,
  keptWhen: 'erfüllt, sobald',
  told: 'Empfänger',
  fallback: 'sonst',
  rung: ({ minutes, percent }) =>
    percent === undefined
      ? `nach ${plural(minutes ?? 0, 'Minute', 'Minuten')}`
      : `nach ${percent} % der Zeit`,
  authority: {
    revoke_now: 'die Zugangsdaten werden sofort widerrufen',
    replace_first: 'zuerst kommt der Ersatz',
    approve_within: 'zuerst stimmt jemand zu',
  },
  authorityTitle: 'Befugnis zu handeln',
  within_: (n) => `innerhalb von ${plural(n, 'Minute', 'Minuten')}`,
  otherwise: { act: 'sonst wird gehandelt', escalate: 'sonst wird eskaliert' },
  steps: 'Vorab vereinbarte Eindämmung',
  drills: (days) => `Die Wege zum Widerruf werden alle ${plural(days, 'Tag', 'Tage')} erprobt`,
  review: 'Überprüfung',
  until: 'In Kraft bis',
  prevails: 'Maßgebliche Sprache',
  events: {
    occurred: 'es geschehen ist',
    detected: 'es entdeckt wurde',
    received: 'die Meldung eingegangen ist',
    matched: 'die Zugangsdaten erkannt sind',
    suspected: 'ein Verdacht besteht',
    confirmed: 'es bestätigt ist',
    determined: 'es festgestellt ist',
    classified: 'es eingestuft ist',
    contained: 'es eingedämmt ist',
    submitted: 'es eingereicht ist',
    resolved: 'es behoben ist',
  },
  kept: {
    dispatched: 'abgesandt',
    accepted_by_peer: 'vom Mailserver der Gegenseite angenommen',
    received: 'empfangen',
    acknowledged: 'bestätigt',
  },
  answer: 'eine Antwort zählt, wenn gegeben durch',
  strengths: {
    mailbox: 'Link und Code einer Nachricht',
    second_channel: 'einen zweiten Weg oder stärker',
    account_mfa: 'ein Konto mit Code oder eine Signatur mit eigenem Schlüssel',
    detached_signature: 'eine Signatur mit eigenem Schlüssel',
  },
};

/** Terms as people read them before they sign. The same facts give the same text every time: its hash is signed. */
export function termSheetText(content: DraftContent, names: SheetNames, language: 'en' | 'de'): string {
  const words = language === 'de' ? DE : EN;
  const lines = [words.title(names.us, names.them), '', words.intro];
  for (const term of content.terms) {
    const [from, to] = term.direction === 'to_party' ? [names.us, names.them] : [names.them, names.us];
    const event = (one: string) => words.events[one] ?? one;
    lines.push('', `${words.tells(from, to)}, ${words.when}: ${event(term.trigger)}`);
    lines.push(`  ${windowText(term, words)}, ${words.from}: ${event(term.startEvent)}`);
    if (term.window) lines.push(`  ${words.warns(term.warnPercent, term.escalatePercent)}`);
    lines.push(`  ${words.keptWhen}: ${words.kept[term.fulfilledBy]}`);
    if (term.leastStrength) lines.push(`  ${words.answer}: ${words.strengths[term.leastStrength]}`);
    const told = term.recipients.map(names.contact);
    const fallback = term.fallbackRecipients.map((id) => {
      const rung = term.rungs?.find(({ recipient }) => recipient === id);
      return rung ? `${names.contact(id)} ${words.rung(rung)}` : names.contact(id);
    });
    if (told.length > 0)
      lines.push(
        `  ${words.told}: ${told.join(', ')}${fallback.length > 0 ? `; ${words.fallback} ${fallback.join(', ')}` : ''}`,
      );
  }
  lines.push('', `${words.authorityTitle}: ${authorityText(content, words)}`);
  if (content.containmentSteps.length > 0) {
    lines.push('', words.steps);
    for (const { step, by, authority } of content.containmentSteps)
      lines.push(
        `  ${[step, by && names[by], authority && words.authority[authority]].filter(Boolean).join('; ')}`,
      );
  }
  if (content.drillEveryDays !== null) lines.push('', words.drills(content.drillEveryDays));
  if (content.reviewOn !== null) lines.push(`${words.review}: ${content.reviewOn}`);
  if (content.validUntil !== null) lines.push(`${words.until}: ${content.validUntil}`);
  lines.push(`${words.prevails}: ${content.prevailingLanguage}`);
  return `${lines.join('\n')}\n`;
}

function windowText(term: DraftTerm, words: Words): string {
  if (term.window === null) return words.noNumber;
  const said = `${words.within} ${words.units[term.window.unit](term.window.count)}`;
  if (term.window.unit === 'elapsed-hours') return said;
  const zone = `${words.zone} ${term.zone}`;
  if (term.window.unit !== 'business-days') return `${said} (${zone})`;
  return `${said} (${zone}, ${term.calendar ? `${words.calendar} ${term.calendar}` : words.weekdays})`;
}

function authorityText(content: DraftContent, words: Words): string {
  const said = words.authority[content.authority];
  if (content.authority !== 'approve_within' || content.approveWithinMinutes === null) return said;
  return `${said} ${words.within_(content.approveWithinMinutes)}, ${words.otherwise[content.approveOtherwise]}`;
}
