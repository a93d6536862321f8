/** What the demonstration ends with, and whether that is what was promised. */
export interface Outcome {
  incident: { reference: string; state: string };
  credentials: { exposed: number; verifiedDead: number; unproven: number };
  locations: { total: number; cleared: number; unproven: number };
  notices: { owed: number; sentInWindow: number; acknowledged: number; missed: number };
  milliseconds: {
    reportToIncident: number | null;
    reportToFirstRevocation: number | null;
    reportToAllProvableDead: number | null;
    reportToLastNotice: number | null;
  };
  ledger: { entries: number; verified: boolean };
}

/** What the product says of one exposed credential version, beside what its supplier says. */
export interface ExposedFact {
  label: string;
  supplier: string;
  supplierId: string;
  /** Whether a machine can prove at this supplier that a credential is dead. */
  provable: boolean;
  verifiedDead: boolean;
  /** UTC milliseconds. */
  provenAt: number | null;
  /** At the supplier itself; null: it knows no such credential. */
  trulyLive: boolean | null;
}

export interface NoticeFact {
  reference: string;
  /** UTC milliseconds; null: without undue delay. */
  dueAt: number | null;
  sentAt: number | null;
  acknowledgedAt: number | null;
  timeliness: 'open' | 'met' | 'missed';
}

export interface Facts {
  incident: { reference: string; state: string; openedAt: number };
  /** Supplier ids that leaked: each has to be exposed, and nothing else. */
  leaked: readonly { supplier: string; supplierId: string; label: string }[];
  exposed: readonly ExposedFact[];
  /** Credentials of the portfolio that never leaked, and their suppliers say otherwise than live. */
  wronglyDead: readonly string[];
  locations: { total: number; cleared: number };
  notices: readonly NoticeFact[];
  /** UTC milliseconds: the first delivery's arrival, and the first revocation as the suppliers logged it. */
  reportedAt: number | null;
  firstRevocationAt: number | null;
  ledger: { entries: number; verified: boolean };
}

export const LEAST_NOTICES = 6;
export const LEAST_DEAD = 8;

/** @returns the outcome, and one sentence for each promise that was not kept */
export function outcomeOf(facts: Facts): { outcome: Outcome; broken: string[] } {
  const dead = facts.exposed.filter((one) => one.verifiedDead);
  const open = facts.exposed.filter((one) => !one.verifiedDead);
  const missed = facts.notices.filter((one) => one.timeliness === 'missed');
  const sent = facts.notices.filter((one) => one.sentAt !== null);
  const acknowledged = facts.notices.filter((one) => one.acknowledgedAt !== null);
  const since = (at: number | null): number | null =>
    at === null || facts.reportedAt === null ? null : Math.max(0, Math.round(at - facts.reportedAt));
  const latest = (times: readonly (number | null)[]): number | null => {
    const known = times.filter((at) => at !== null);
    return known.length === 0 || known.length < times.length ? null : Math.max(...known);
  };
  const provable = facts.exposed.filter((one) => one.provable);
  const outcome: Outcome = {
    incident: { reference: facts.incident.reference, state: facts.incident.state },
    credentials: { exposed: facts.exposed.length, verifiedDead: dead.length, unproven: open.length },
    locations: { ...facts.locations, unproven: facts.locations.total - facts.locations.cleared },
    notices: {
      owed: facts.notices.length,
      sentInWindow: sent.filter((one) => one.dueAt === null || (one.sentAt ?? 0) <= one.dueAt).length,
      acknowledged: acknowledged.length,
      missed: missed.length,
    },
    milliseconds: {
      reportToIncident: since(facts.incident.openedAt),
      reportToFirstRevocation: since(facts.firstRevocationAt),
      reportToAllProvableDead: since(latest(provable.map((one) => one.provenAt))),
      reportToLastNotice: since(latest(facts.notices.map((one) => one.sentAt))),
    },
    ledger: facts.ledger,
  };

  const exposedIds = new Set(facts.exposed.map((one) => `${one.supplier} ${one.supplierId}`));
  const leakedIds = new Set(facts.leaked.map((one) => `${one.supplier} ${one.supplierId}`));
  const broken = [
    ...facts.leaked
      .filter((one) => !exposedIds.has(`${one.supplier} ${one.supplierId}`))
      .map((one) => `${one.label} leaked and is not in the incident`),
    ...facts.exposed
      .filter((one) => !leakedIds.has(`${one.supplier} ${one.supplierId}`))
      .map((one) => `${one.label} is in the incident and did not leak`),
    ...open.filter((one) => one.provable).map((one) => `${one.label} is not proven dead`),
    ...dead
      .filter((one) => !one.provable)
      .map((one) => `${one.label} counts as proven, and nothing can prove it`),
    ...dead
      .filter((one) => one.trulyLive !== false)
      .map((one) => `${one.label} counts as dead and its supplier accepts it`),
    ...facts.wronglyDead.map((label) => `${label} did not leak and its supplier no longer accepts it`),
    ...missed.map((one) => `${one.reference} was not sent in its window`),
    ...facts.notices.filter((one) => one.sentAt === null).map((one) => `${one.reference} was not sent`),
    ...(dead.length < LEAST_DEAD ? [`only ${dead.length} credentials are proven dead`] : []),
    ...(open.length === 0 ? ['nothing is left open, although one supplier answers only by mail'] : []),
    ...(facts.notices.length < LEAST_NOTICES ? [`only ${facts.notices.length} notices were owed`] : []),
    ...(acknowledged.length === 0 ? ['no notice was acknowledged'] : []),
    ...(facts.ledger.verified ? [] : ['the ledger does not verify']),
  ];
  return { outcome, broken };
}
