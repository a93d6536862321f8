import type { Deed } from '../people/schema.ts';

/**
 * What the demonstration shows and decides by, from the product's public API: steps and notices as they are there, as far
 * as anybody outside needs them.
 */
export interface StepFact {
  id: string;
  runbook: string;
  step: string;
  title: string;
  uses: string;
  state: string;
  item: {
    key: string;
    label: string;
    subject: { kind: string; id: string };
    facts: Record<string, unknown>;
  } | null;
  forWhat: string | null;
  reason: string | null;
  owner: { role: string | null; contactId: string | null };
  approval: object | null;
  dueAt: string | null;
  wakeAt: string | null;
  finishedAt: string | null;
  output: Record<string, unknown> | null;
}

export interface NoticeRow {
  id: string;
  reference: string;
  integration: { name: string };
  party: { name: string };
  contact: string | null;
  dispatch: string;
  receipt: string;
  timeliness: 'open' | 'met' | 'missed';
  fulfilledBy: string;
  dueAt: string | null;
  acceptedAt: string | null;
  acknowledgedAt: string | null;
  messageId: string;
}

export interface CredentialRow {
  versionId: string;
  label: string;
  supplier: string;
  authority: string;
  revocation: string;
  liveness: string | null;
}

export type Stage = 'reported' | 'approval' | 'replacement' | 'revoking' | 'revoked' | 'dead' | 'unproven';

export interface ShownCredential {
  label: string;
  supplier: string;
  authority: string;
  stage: Stage;
  /** In words: what happens, or who has to do what. */
  detail: string;
  /** UTC milliseconds: the clock that runs. */
  dueAt: number | null;
}

export interface Scene {
  incident: { reference: string; state: string } | null;
  credentials: ShownCredential[];
  notices: NoticeRow[];
  deeds: Deed[];
  copies: { total: number; cleared: number };
}

const instant = (text: string | null): number | null => (text === null ? null : Date.parse(text));

/** How far one exposed version is, from its facets and the steps about it that are open. */
export function stageOf(
  row: CredentialRow,
  steps: readonly StepFact[],
): Pick<ShownCredential, 'stage' | 'detail' | 'dueAt'> {
  if (row.liveness === 'dead')
    return { stage: 'dead', detail: 'refused, beside a control that lives', dueAt: null };
  const about = steps.filter((step) => step.item?.subject.id === row.versionId);
  const parked = about.filter((step) => step.state === 'parked');
  const at = (stage: Stage, step: StepFact): Pick<ShownCredential, 'stage' | 'detail' | 'dueAt'> => ({
    stage,
    detail: step.forWhat ?? step.reason ?? step.title,
    dueAt: instant(step.dueAt),
  });
  const approval = parked.find((step) => step.approval !== null);
  if (approval) return at('approval', approval);
  const task = parked.find((step) => step.uses === 'manual-task');
  if (task) return at('replacement', task);
  const byHand = parked[0] ?? about.find((step) => step.uses === 'revoke-version' && step.state === 'failed');
  if (byHand) return at('unproven', byHand);
  if (row.revocation === 'accepted')
    return { stage: 'revoked', detail: 'its supplier said yes; looking', dueAt: null };
  const asked = row.revocation === 'requested' || about.some((step) => step.uses === 'revoke-version');
  return { stage: asked ? 'revoking' : 'reported', detail: '', dueAt: null };
}

/** Who in the outside world does what. */
export interface Habits {
  approves: boolean;
  replaces: boolean;
  /** Kinds of places that somebody clears. */
  clears: ReadonlySet<string>;
  /** Names of contacts who answer their mail. */
  answering: ReadonlySet<string>;
  /** Steps and mails that somebody gave up. */
  gaveUp: ReadonlySet<string>;
  /** Notices that were read, and whose readers found nothing to acknowledge. */
  unheard: ReadonlySet<string>;
}

/** So long a wait for time counts as something that still moves. */
const SOON_MS = 120_000;

/** Why a step still moves, or null: it is done, or waits for what nobody out there will answer. */
export function movesBecause(
  step: StepFact,
  notices: ReadonlyMap<string, NoticeRow>,
  habits: Habits,
  now: number,
): string | null {
  switch (step.state) {
    case 'ready':
    case 'running':
    case 'unknown':
      return step.state;
    case 'waiting':
      return (instant(step.wakeAt) ?? 0) < now + SOON_MS ? `waits: ${step.forWhat ?? ''}` : null;
    case 'parked':
      break;
    default:
      return null;
  }
  if (habits.gaveUp.has(step.id)) return null;
  if (step.approval !== null) return habits.approves ? 'somebody will approve' : null;
  if (step.uses === 'manual-task' && /replac/i.test(`${step.title} ${step.forWhat ?? ''}`)) {
    return habits.replaces ? 'somebody will replace it' : null;
  }
  if (step.uses === 'check-location') {
    return habits.clears.has(String(step.item?.facts['kind'])) ? 'somebody will clear it' : null;
  }
  if (step.uses === 'await-acknowledgement') {
    const notice = notices.get(step.item?.subject.id ?? '');
    if (!notice) return 'its notice is not known yet';
    if (notice.receipt === 'acknowledged') return 'it is acknowledged, and goes on at once';
    if (habits.unheard.has(notice.id)) return null;
    return notice.contact !== null && habits.answering.has(notice.contact)
      ? 'somebody will acknowledge'
      : null;
  }
  return null;
}

/** What is left when nothing moves any more: who owns what, and until when. */
export function leftOver(steps: readonly StepFact[]): StepFact[] {
  return steps.filter((step) => step.state === 'parked' || step.state === 'waiting');
}

export interface Line {
  kind: 'revoked' | 'dead' | 'open' | 'mail' | 'acknowledged' | 'person' | 'incident' | 'waits';
  text: string;
}

/** What happened between two looks, in the order in which a reader would tell it. */
export function linesBetween(before: Scene, after: Scene): Line[] {
  const lines: Line[] = [];
  const was = after.incident && before.incident?.state;
  if (after.incident && was !== after.incident.state) {
    lines.push({ kind: 'incident', text: `${after.incident.reference} is ${after.incident.state}` });
  }
  const stages = new Map(before.credentials.map((one) => [one.label, one.stage]));
  for (const one of after.credentials) {
    const stage = stages.get(one.label);
    if (stage === one.stage) continue;
    const line = lineOf(one, stage);
    if (line) lines.push(line);
  }
  const told = new Map(before.notices.map((one) => [one.id, one]));
  for (const one of after.notices) {
    const old = told.get(one.id);
    const to = `${one.reference} to ${one.contact ?? one.party.name} of ${one.party.name}`;
    if (one.dispatch === 'accepted' && old?.dispatch !== 'accepted')
      lines.push({ kind: 'mail', text: `${to}: sent` });
    if (one.receipt === 'acknowledged' && old?.receipt !== 'acknowledged') {
      lines.push({ kind: 'acknowledged', text: `${to}: acknowledged` });
    }
  }
  for (const deed of after.deeds.slice(before.deeds.length)) {
    const did = DEEDS[deed.kind];
    if (did) lines.push({ kind: 'person', text: `${deed.person} ${did} ${deed.detail}`.trim() });
  }
  return lines;
}

const DEEDS: Partial<Record<Deed['kind'], string>> = {
  approved: 'approved:',
  replaced: 'issued and stored a replacement:',
  cleared: 'cleared a copy:',
  changed: 'changed what a mail asked for:',
  gave_up: 'gave up:',
};

function lineOf(one: ShownCredential, before: Stage | undefined): Line | null {
  const name = `${one.label} (${one.supplier})`;
  switch (one.stage) {
    case 'reported':
    case 'revoking':
      return null;
    case 'approval':
      return { kind: 'waits', text: `${name} waits for an approval` };
    case 'replacement':
      return { kind: 'waits', text: `${name} is replaced first` };
    case 'revoked':
      return { kind: 'revoked', text: name };
    case 'dead':
      // A quick supplier: revoked and proven between two looks.
      return { kind: 'dead', text: before === 'revoked' ? name : `${name}: revoked, and ${one.detail}` };
    case 'unproven':
      return { kind: 'open', text: `${name}: ${one.detail}` };
  }
}
