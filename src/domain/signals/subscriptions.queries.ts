import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { circuitOf } from './signal.rules.ts';
import type { KeyRef } from './subscription-secrets.ts';
import type {
  DELIVERY_STATES,
  SignalDeliveryDetail,
  SignalDeliveryView,
  SubscriptionKind,
  SubscriptionState,
  SubscriptionView,
} from './subscription.schema.ts';

export interface SubscriptionRow {
  id: Id;
  party_id: Id;
  kind: SubscriptionKind;
  name: string;
  url: string;
  url_ref: string | null;
  auth_ref: string | null;
  events: string[];
  key_refs: KeyRef[];
  settings: Record<string, unknown>;
  state: SubscriptionState;
  state_why: string;
  failures: number;
  failing_since: Date | null;
  held_until: Date | null;
  delivered_at: Date | null;
  created_at: Date;
  row_version: number;
  waiting: number;
}

const COLUMNS = `s.id, s.party_id, s.kind, s.name, s.url, s.url_ref, s.auth_ref, s.events, s.key_refs, s.settings, s.state, s.state_why,
  s.failures, s.failing_since, s.held_until, s.delivered_at, s.created_at, s.row_version`;
const WAITING = `(SELECT count(*)::int FROM subscription_delivery d WHERE d.subscription_id = s.id AND d.state = 'pending') AS waiting`;

/** @param lock holds the row until the transaction ends */
export async function subscriptionRow(db: Db, id: Id, lock = false): Promise<SubscriptionRow | undefined> {
  if (lock) await db.query(`SELECT FROM subscription WHERE id = $1 FOR NO KEY UPDATE`, [id]);
  const [row] = await rowsOf<SubscriptionRow>(
    db,
    `SELECT ${COLUMNS}, ${WAITING} FROM subscription s WHERE s.id = $1 AND s.removed_at IS NULL`,
    [id],
  );
  return row;
}

/** By id, which is the order in which they were made. */
export async function subscriptionRows(
  db: Db,
  page: {
    limit: number;
    after?: Id | undefined;
    partyId?: Id | undefined;
    kinds?: readonly SubscriptionKind[];
  },
): Promise<SubscriptionRow[]> {
  return rowsOf<SubscriptionRow>(
    db,
    `SELECT ${COLUMNS}, ${WAITING} FROM subscription s
      WHERE s.removed_at IS NULL AND ($1::uuid IS NULL OR s.party_id = $1) AND ($2::uuid IS NULL OR s.id > $2)
        AND ($4::text[] IS NULL OR s.kind = ANY ($4))
      ORDER BY s.id LIMIT $3`,
    [page.partyId ?? null, page.after ?? null, page.limit, page.kinds ?? null],
  );
}

export function subscriptionView(row: SubscriptionRow): SubscriptionView {
  const at = (date: Date | null) => date?.toISOString() ?? null;
  return {
    id: row.id,
    partyId: row.party_id,
    kind: row.kind,
    name: row.name,
    url: row.url === '' ? null : row.url,
    events: row.events,
    state: row.state,
    stateWhy: row.state_why,
    circuit: circuitOf({ failures: row.failures, heldUntil: row.held_until }),
    failures: row.failures,
    failingSince: at(row.failing_since),
    heldUntil: at(row.held_until),
    deliveredAt: at(row.delivered_at),
    waiting: row.waiting,
    keys: row.key_refs.map(({ id, kind, addedAt, retiresAt, publicKey }) => ({
      id,
      kind,
      addedAt,
      retiresAt,
      publicKey,
    })),
    createdAt: row.created_at.toISOString(),
    rowVersion: row.row_version,
  };
}

interface DeliveryLine {
  id: Id;
  type: string;
  state: (typeof DELIVERY_STATES)[number];
  attempts: number;
  next_at: Date | null;
  occurred_at: Date;
  created_at: Date;
  ended_at: Date | null;
  status: number | null;
  peer_answer: string | null;
  data: Record<string, unknown>;
}

const LINE = `d.id, d.type, d.state, d.attempts, d.next_at, d.occurred_at, d.created_at, d.ended_at, a.status, a.peer_answer, d.data`;
const LAST = `LEFT JOIN LATERAL (SELECT status, peer_answer FROM subscription_attempt t
  WHERE t.subscription_id = d.subscription_id AND t.event_id = d.id ORDER BY t.number DESC LIMIT 1) a ON true`;

/** The log of one subscription, the newest first. */
export async function deliveriesOf(
  db: Db,
  subscriptionId: Id,
  page: { limit: number; after?: { at: number; id: Id } | undefined; state?: string | undefined },
): Promise<SignalDeliveryView[]> {
  const rows = await rowsOf<DeliveryLine>(
    db,
    `SELECT ${LINE} FROM subscription_delivery d ${LAST}
      WHERE d.subscription_id = $1 AND ($2::text IS NULL OR d.state = $2)
        AND ($3::timestamptz IS NULL OR (d.created_at, d.id) < ($3, $4::uuid))
      ORDER BY d.created_at DESC, d.id DESC LIMIT $5`,
    [
      subscriptionId,
      page.state ?? null,
      page.after ? new Date(page.after.at) : null,
      page.after?.id ?? null,
      page.limit,
    ],
  );
  return rows.map(lineView);
}

export async function deliveryOf(
  db: Db,
  subscriptionId: Id,
  id: Id,
): Promise<SignalDeliveryDetail | undefined> {
  const [row] = await rowsOf<DeliveryLine>(
    db,
    `SELECT ${LINE} FROM subscription_delivery d ${LAST} WHERE d.subscription_id = $1 AND d.id = $2`,
    [subscriptionId, id],
  );
  if (!row) return undefined;
  const tries = await rowsOf<{
    number: number;
    outcome: SignalDeliveryDetail['tries'][number]['outcome'];
    status: number | null;
    peer_answer: string;
    at: Date;
    ended_at: Date | null;
    next_at: Date | null;
  }>(
    db,
    `SELECT number, outcome, status, peer_answer, at, ended_at, next_at FROM subscription_attempt
      WHERE subscription_id = $1 AND event_id = $2 ORDER BY number`,
    [subscriptionId, id],
  );
  return {
    ...lineView(row),
    data: row.data,
    tries: tries.map((one) => ({
      number: one.number,
      outcome: one.outcome,
      status: one.status,
      answer: one.peer_answer,
      at: one.at.toISOString(),
      endedAt: one.ended_at?.toISOString() ?? null,
      nextAt: one.next_at?.toISOString() ?? null,
    })),
  };
}

function lineView(row: DeliveryLine): SignalDeliveryView {
  return {
    id: row.id,
    messageId: messageIdOf(row.id),
    type: row.type,
    state: row.state,
    attempts: row.attempts,
    nextAt: row.next_at?.toISOString() ?? null,
    occurredAt: row.occurred_at.toISOString(),
    createdAt: row.created_at.toISOString(),
    endedAt: row.ended_at?.toISOString() ?? null,
    lastStatus: row.status,
    lastAnswer: row.peer_answer ?? '',
  };
}

/** What a receiver tells doubles by: the same over every attempt, and over sending again. */
export function messageIdOf(deliveryId: Id): string {
  return `msg_${deliveryId}`;
}
