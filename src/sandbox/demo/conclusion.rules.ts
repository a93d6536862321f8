import type { Outcome } from './outcome.rules.ts';

/** One copy of an exposed credential version, as the product shows it. */
export interface CopyFact {
  /** How it stands: `gone`, `cannot_be_proven`, or anything else; null: nobody has looked. */
  verdict: string | null;
  /** Whether its owner is asked to remove it and to sign. */
  asked: boolean;
  /** Whether its credential is still to be proven dead: until then nobody is asked about the copy. */
  alive: boolean;
}

/** Whose acknowledgement a notice waits for; null: somebody. */
export interface NoticeFacts {
  sent: boolean;
  acknowledged: boolean;
  /** Whether only an acknowledgement fulfils it. */
  toBeAcknowledged: boolean;
  contact: string | null;
}

interface Part {
  count: number;
  text: string;
}

/** How it ended, in sentences whose parts add up to the whole that each names. */
export function conclusionOf(
  outcome: Outcome,
  notices: readonly NoticeFacts[],
  copies: readonly CopyFact[],
): string[] {
  const { credentials, milliseconds: ms, ledger, incident } = outcome;
  return [
    `${incident.reference} is ${incident.state}.`,
    whole('exposed credentials', credentials.exposed, [
      { count: credentials.verifiedDead, text: 'proven dead' },
      { count: credentials.unproven, text: 'not proven dead' },
    ]),
    ...noticeSentences(outcome, notices),
    copySentence(copies),
    `From the first report: the incident ${seconds(ms.reportToIncident)}, the first revocation ${seconds(ms.reportToFirstRevocation)}, the last death that a machine can prove ${seconds(ms.reportToAllProvableDead)}, the last notice ${seconds(ms.reportToLastNotice)}.`,
    ledger.verified
      ? `Ledger: all ${ledger.entries} entries are verified.`
      : `Ledger: ${ledger.entries} entries, NOT verified.`,
  ];
}

function noticeSentences(
  { notices: { owed, sentInWindow } }: Outcome,
  notices: readonly NoticeFacts[],
): string[] {
  const sent = notices.filter((one) => one.sent);
  const acknowledged = sent.filter((one) => one.acknowledged);
  const waiting = sent.filter((one) => !one.acknowledged && one.toBeAcknowledged);
  const whom = [...new Set(waiting.map(({ contact }) => contact ?? 'somebody'))].join(', ');
  return [
    whole('notices owed', owed, [
      { count: sentInWindow, text: 'sent in their window' },
      { count: owed - sentInWindow, text: 'not' },
    ]),
    whole('notices sent', sent.length, [
      { count: acknowledged.length, text: 'acknowledged' },
      { count: waiting.length, text: `waiting for an acknowledgement by ${whom}` },
      { count: sent.length - acknowledged.length - waiting.length, text: 'fulfilled by being sent' },
    ]),
  ];
}

function copySentence(copies: readonly CopyFact[]): string {
  const standing = copies.map((copy): keyof typeof COPIES => {
    if (copy.verdict === 'gone') return 'gone';
    if (copy.verdict === 'cannot_be_proven') return 'unprovable';
    if (copy.asked) return 'asked';
    return copy.alive ? 'behind' : 'other';
  });
  const parts = Object.entries(COPIES).map(([key, text]) => ({
    count: standing.filter((one) => one === key).length,
    text,
  }));
  return whole('copies of the exposed credentials', copies.length, parts);
}

const COPIES = {
  gone: 'cleared',
  asked: 'waiting for somebody to remove them and sign for it',
  behind: 'not asked about before their credential is dead',
  unprovable: 'in places where nothing can show that they are gone',
  other: 'still looked at',
} as const;

/** `35 copies: 22 cleared, 13 not.` What there is none of is not said. */
function whole(of: string, total: number, parts: readonly Part[]): string {
  const said = parts.filter(({ count }) => count > 0);
  if (said.length === 0) return `${total} ${of}.`;
  if (said.length === 1 && said[0]!.count === total) return `${total} ${of}: all ${said[0]!.text}.`;
  return `${total} ${of}: ${said.map(({ count, text }) => `${count} ${text}`).join(', ')}.`;
}

/** When something was reached. */
function seconds(value: number | null): string {
  return value === null ? 'never' : `after ${(value / 1000).toFixed(2)} s`;
}
