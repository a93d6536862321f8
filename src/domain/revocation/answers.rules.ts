import { isPage, rowFor, type AnswerRow, type Condition } from '../../platform/http/answer-table.rules.ts';
import type { Abilities, Capability, Connector, Reading, Verdict } from './connector.ts';

/** An answer as it came over the wire, or as somebody read it in a supplier's documentation. */
export interface ReadAnswer {
  status: number;
  /** Names in lower case. */
  headers: Readonly<Record<string, string>>;
  body: Buffer;
}

export interface Judgement {
  verdict: Verdict;
  /** One sentence: which answer led to the verdict. Never holds anything of the body. */
  why: string;
  row: AnswerRow<Verdict> | null;
}

/** Answers that say nothing about a credential, whatever a table lists: a limit, a fault of the supplier's, a way elsewhere. */
export function neverTells(status: number): boolean {
  return status < 200 || (status >= 300 && status < 400) || status === 429 || status >= 500;
}

/** What an answer to a probe means. What is not listed is `indeterminate`, whatever its status. */
export function judge(rows: readonly AnswerRow<Verdict>[], answer: ReadAnswer): Judgement {
  return judgeBy(rowFor(rows, answer), rows, answer);
}

/** @param row of `rows`, which fits the answer */
export function judgeBy(
  row: AnswerRow<Verdict> | null,
  rows: readonly AnswerRow<Verdict>[],
  answer: ReadAnswer,
): Judgement {
  const { status } = answer;
  const nothing = (why: string): Judgement => ({ verdict: 'indeterminate', why, row: null });
  if (isForPeople(answer))
    return nothing(
      `the answer ${status} is a page for people, such as a login or a proxy’s, and not the supplier’s`,
    );
  if (row && !(neverTells(status) && row.means !== 'indeterminate')) {
    const condition = row.when ? ' with the listed body' : '';
    return {
      verdict: row.means,
      why: row.why ?? `the supplier answered ${status}${condition}, which means ${row.means}`,
      row,
    };
  }
  if (status === 429) return nothing('the supplier answered 429: too many requests, which says nothing else');
  if (status >= 500)
    return nothing(`the supplier answered ${status}: a fault of its own, which says nothing`);
  if (status >= 300 && status < 400)
    return nothing(
      `the supplier answered ${status}, a way elsewhere, which is not followed and says nothing`,
    );
  const listed = rows.some((one) => [one.status].flat().includes(status));
  return nothing(
    listed
      ? `the supplier answered ${status}, and the body is not one that its preset lists`
      : `the supplier answered ${status}, which its preset does not list`,
  );
}

function isForPeople({ headers, body }: ReadAnswer): boolean {
  const type = headers['content-type'] ?? '';
  return /^\s*(text\/html|application\/xhtml\+xml)\b/i.test(type) || isPage(body.toString('utf8', 0, 4096));
}

/** An answer as somebody states it, who may leave out the body and need not say whom it was about. */
export interface StatedAnswer {
  status: number;
  headers: Readonly<Record<string, string>>;
  body: Buffer | null;
  supplierId?: string | undefined;
}

/**
 * What a stated answer to the probe means: the judgement of the probe itself, with two allowances. Where an answer must
 * name the id of the credential and none was stated, any id will do. Where no body was stated, a status whose every row
 * says `live` is that with the body that the row wants. Nothing is ever dead by an allowance.
 */
export function judgeStated(rows: readonly AnswerRow<Verdict>[], stated: StatedAnswer): Judgement {
  const known = rows.map((row) => withAnyId(row, stated.supplierId));
  const answer = { ...stated, body: stated.body ?? Buffer.alloc(0) };
  const judged = judge(known, answer);
  if (stated.body !== null || judged.row !== null || neverTells(stated.status) || isForPeople(answer))
    return judged;
  const listed = rows.filter((row) => [row.status].flat().includes(stated.status));
  const [row] = listed;
  if (!row || listed.some((one) => one.means !== 'live'))
    return listed.length === 0
      ? judged
      : {
          ...judged,
          why: `${stated.status} alone tells nothing here: what it means stands in the body, and none was given`,
        };
  const why = `${row.why ?? `${stated.status} means live`}, if the body is the documented one; none was given`;
  return { verdict: 'live', why, row };
}

function withAnyId(row: AnswerRow<Verdict>, supplierId: string | undefined): AnswerRow<Verdict> {
  const when = row.when?.map((condition): Condition => {
    if (!('sameAs' in condition)) return condition;
    const { pointer } = condition;
    return condition.sameAs === 'supplierId' && supplierId !== undefined
      ? { pointer, in: [supplierId, Number(supplierId)] }
      : { pointer, exists: true };
  });
  return { ...row, when };
}

/** The part of a reading that judges a probe, or null where nothing can be asked by machine. */
export function probeRows(readings: readonly Reading[]): readonly AnswerRow<Verdict>[] | null {
  const probe = readings.find((one) => one.part === 'probe');
  return (probe?.rows as readonly AnswerRow<Verdict>[] | undefined) ?? null;
}

/** What a connector can do by machine under these settings. */
export function capabilitiesOf(connector: Connector, settings: unknown): Capability[] {
  const abilities = connector.abilities(settings);
  return connector.capabilities.filter((one) => can(abilities, one));
}

function can(abilities: Abilities, capability: Capability): boolean {
  switch (capability) {
    case 'issue':
      return abilities.issue !== 'no';
    case 'revoke':
      return abilities.revoke !== 'no';
    case 'probe':
      return abilities.probe !== 'no';
    case 'endSessions':
      return abilities.endSessions;
    case 'listUsage':
      return abilities.listUsage ?? true;
    case 'introspect':
      return (abilities.introspect ?? true) && abilities.probe !== 'no';
  }
}
