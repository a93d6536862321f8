import type { ComponentChildren } from 'preact';
import type { Millis } from '../../kernel/time.ts';
import { Chip, type Tone } from './states.tsx';

/** What stands at the foot of every sheet when the page is printed: whose matrix, which version, and its content hash. */
export function PaperFoot({
  reference,
  version,
  drafted,
}: {
  reference: string;
  version: { number: number; contentHash: string } | undefined;
  /** The page shows a draft: no hash covers it. */
  drafted?: boolean;
}) {
  return (
    <div class="paper-foot">
      <div>
        {reference}
        {drafted
          ? `, drafted${version ? ` upon version ${version.number}` : ''}: nobody has signed it`
          : version
            ? `, version ${version.number}, SHA-256 of the content ${version.contentHash}`
            : ', nothing agreed'}
      </div>
    </div>
  );
}

/** Shares of a whole as one bar, with their numbers in words beneath. Nothing is told by colour alone. */
export function ShareBar({
  parts,
  label,
}: {
  label: string;
  parts: readonly { tone: Tone; count: number; word: string }[];
}) {
  const total = parts.reduce((sum, part) => sum + part.count, 0);
  let x = 0;
  return (
    <div>
      <svg
        class="bar"
        viewBox="0 0 100 1"
        preserveAspectRatio="none"
        role="img"
        aria-label={`${label}: ${parts.map((p) => `${p.count} ${p.word}`).join(', ')}`}
      >
        {parts.map((part) => {
          const width = total === 0 ? 0 : (part.count / total) * 100;
          const at = x;
          x += width;
          return width > 0 ? <rect class={`p-${part.tone}`} x={at} y="0" width={width} height="1" /> : null;
        })}
      </svg>
      <div class="legend">
        {parts
          .filter((part) => part.count > 0)
          .map((part) => (
            <Chip tone={part.tone}>{`${part.count} ${part.word}`}</Chip>
          ))}
        {total === 0 && <span>nothing yet</span>}
      </div>
    </div>
  );
}

/** An instant, for people: UTC to the second, and the machine's form beside it. */
export function At({
  at,
  empty = '–',
  day,
  time,
}: {
  at: Millis | null | undefined;
  empty?: string;
  /** Only the day: for what nobody counts in hours. */
  day?: boolean;
  /** Only the time: where the day is plain. */
  time?: boolean;
}) {
  if (at === null || at === undefined) return <span class="soft">{empty}</span>;
  const text = new Date(at).toISOString();
  return (
    <time class="nowrap" datetime={text}>
      {day
        ? text.slice(0, 10)
        : time
          ? `${text.slice(11, 19)} UTC`
          : `${text.slice(0, 10)} ${text.slice(11, 19)} UTC`}
    </time>
  );
}

/** "3 h 20 min": two units are enough to act on. Never negative. */
export function span(length: Millis): string {
  const minutes = Math.floor(Math.max(0, length) / 60_000);
  if (minutes < 1) return `${Math.floor(Math.max(0, length) / 1000)} s`;
  const [days, hours, rest] = [Math.floor(minutes / 1440), Math.floor((minutes % 1440) / 60), minutes % 60];
  if (days > 0) return `${days} d ${hours} h`;
  return hours > 0 ? `${hours} h ${rest} min` : `${rest} min`;
}

/** How long is left until something is due; red when it has passed, amber past its warning. */
export function Countdown({
  dueAt,
  warnAt,
  now,
}: {
  dueAt: Millis | null;
  warnAt?: Millis | null;
  now: Millis;
}) {
  if (dueAt === null)
    return (
      <Chip tone="calm" title="A duty without a number">
        without undue delay
      </Chip>
    );
  if (now > dueAt) return <Chip tone="live">{`late by ${span(now - dueAt)}`}</Chip>;
  return <Chip tone={warnAt && now >= warnAt ? 'wait' : 'info'}>{`${span(dueAt - now)} left`}</Chip>;
}

/** A heading with the way to the whole of what stands under it. */
export function Headed({ title, path, word }: { title: string; path: string; word: string }) {
  return (
    <h2>
      {title}{' '}
      <a class="aside" href={path}>
        {word}
      </a>
    </h2>
  );
}

export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

export function Stat({ value, word, tone }: { value: number | string; word: string; tone?: Tone }) {
  return (
    <div class={`stat ${tone ?? ''}`}>
      <b>{value}</b>
      <span>{word}</span>
    </div>
  );
}

/** A table that becomes a list of cards on a phone, `close` two cells beside each other. Cells carry their column's name for that. */
export function DataTable({
  columns,
  rows,
  caption,
  close,
}: {
  caption: string;
  close?: boolean;
  columns: readonly { title: string; numeric?: boolean }[];
  rows: readonly (readonly ComponentChildren[])[];
}) {
  return (
    <div class="scroll">
      <table class={close ? 'stack close' : 'stack'}>
        <caption class="skip">{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th scope="col" class={column.numeric ? 'num' : undefined}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells) => (
            <tr>
              {cells.map((cell, at) => (
                <td data-label={columns[at]?.title} class={columns[at]?.numeric ? 'num' : undefined}>
                  {cell}
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** Pages that stand side by side. */
export function Tabs({
  label,
  here,
  tabs,
}: {
  label: string;
  here: string;
  tabs: readonly { title: string; path: string; count?: number }[];
}) {
  return (
    <nav class="tabs" aria-label={label}>
      {tabs.map(({ title, path, count }) => (
        <a href={path} aria-current={path === here ? 'page' : undefined}>
          {title}
          {count !== undefined && <span class="count">{count}</span>}
        </a>
      ))}
    </nav>
  );
}

/** Says that a list shows only what is about one incident, with the way to all. */
export function OnlyOf({ incident, all }: { incident: string; all: string }) {
  return (
    <p class="notice">
      Only what is about <a href={`/incidents/${incident}`}>{incident}</a>. <a href={all}>Show all</a>
    </p>
  );
}

/** Facts of one thing, name and value. */
export function Facts({ facts }: { facts: readonly (readonly [name: string, value: ComponentChildren])[] }) {
  return (
    <dl class="facts">
      {facts.map(([name, value]) => (
        <>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </>
      ))}
    </dl>
  );
}
