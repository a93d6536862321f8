import { newId, type Id } from '../../src/kernel/ids.ts';
import type { Trigger } from '../../src/domain/notices/notices.service.ts';
import type { Db } from '../../src/platform/database/transactions.ts';

export interface NoticeScene {
  agreementVersionId: Id;
  integrationId: Id;
  partyId: Id;
  contactId: Id;
}

/** Northwind, which has been promised to hear of a confirmed exposure within 24 hours. */
export async function noticeScene(
  db: Db,
  now: Date,
  o: {
    fulfilledBy?: string;
    leastStrength?: string | null;
    name?: string;
    email?: string;
    /** What the agreement says, and what its reader says. */
    languages?: { term: string; contact: string | null };
  } = {},
): Promise<NoticeScene> {
  const ids = {
    party: newId(),
    contact: newId(),
    agreement: newId(),
    version: newId(),
    term: newId(),
    integration: newId(),
  };
  await db.query(
    `INSERT INTO party (id, reference, name, created_at, updated_at) VALUES ($1, $3, $4, $2, $2)`,
    [ids.party, now, `PTY-${ids.party}`, o.name ?? 'Northwind'],
  );
  await db.query(
    `INSERT INTO contact (id, party_id, name, role, email, language, created_at, updated_at) VALUES ($1, $2, 'Duty desk', 'security', $4, $5, $3, $3)`,
    [ids.contact, ids.party, now, o.email ?? 'security@northwind.example', o.languages?.contact ?? null],
  );
  await db.query(
    `INSERT INTO agreement (id, reference, party_id, title, created_at, updated_at) VALUES ($1, $4, $2, 'Master', $3, $3)`,
    [ids.agreement, ids.party, now, `AGR-${ids.agreement}`],
  );
  await db.query(
    `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, authority, content_hash, created_at)
     VALUES ($1, $2, $3, 1, $4, 'revoke_now', '\\x00', $4)`,
    [ids.version, ids.agreement, ids.party, now],
  );
  await db.query(
    `INSERT INTO term (id, agreement_version_id, party_id, direction, trigger, start_event, window_count, window_unit, valid_from, fulfilled_by, least_strength, language)
     VALUES ($1, $2, $3, 'to_party', 'confirmed', 'confirmed', 24, 'elapsed-hours', $4, $5, $6, $7)`,
    [
      ids.term,
      ids.version,
      ids.party,
      now,
      o.fulfilledBy ?? 'accepted_by_peer',
      o.leastStrength ?? null,
      o.languages?.term ?? 'en',
    ],
  );
  await db.query(
    `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal) VALUES ($1, $2, $3, 0)`,
    [ids.term, ids.contact, ids.party],
  );
  await db.query(
    `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, $3, 'Payments', $2, $2)`,
    [ids.integration, now, `INT-${ids.integration}`],
  );
  return {
    agreementVersionId: ids.version,
    integrationId: ids.integration,
    partyId: ids.party,
    contactId: ids.contact,
  };
}

/** A confirmed exposure of Northwind's payments integration. */
export function confirmedExposure(
  scene: NoticeScene,
  now: number,
  o: { trigger?: Trigger['trigger']; subjectId?: Id; correlationId?: string } = {},
): Trigger {
  return {
    integrationId: scene.integrationId,
    agreementVersionId: scene.agreementVersionId,
    subject: { kind: 'case', id: o.subjectId ?? newId() },
    trigger: o.trigger ?? 'confirmed',
    instants: { confirmed: now },
    facts: {
      caseReference: 'CAS-2026-0007',
      integrationName: 'Payments <b>bridge</b>',
      fromParty: 'Brightwater',
      awareAt: new Date(now).toISOString(),
      credentials: [{ label: 'Payments key', environment: 'production', state: 'live' }],
      copies: 3,
      reason: 'Found in a public repository.',
    },
    correlationId: o.correlationId ?? 'correlation-notices',
  };
}

/** Another contact of the party, by mail. */
export async function contactOf(
  db: Db,
  partyId: Id,
  now: Date,
  o: { name: string; email: string; role?: string; ordinal?: number; language?: string },
): Promise<Id> {
  const id = newId();
  await db.query(
    `INSERT INTO contact (id, party_id, name, role, email, ordinal, language, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $8, $7, $7)`,
    [id, partyId, o.name, o.role ?? 'on_call', o.email, o.ordinal ?? 1, now, o.language ?? null],
  );
  return id;
}

/** What the recipient's server sends back later. */
export const bounceOf = (messageId: string, to: string, status = '5.1.1') =>
  [
    'Content-Type: multipart/report; report-type=delivery-status; boundary=b',
    '',
    '--b',
    'Content-Type: message/delivery-status',
    '',
    'Reporting-MTA: dns; mx.example',
    '',
    `Final-Recipient: rfc822; ${to}`,
    'Action: failed',
    `Status: ${status}`,
    'Diagnostic-Code: smtp; 550 gone',
    '',
    '--b',
    'Content-Type: text/rfc822-headers',
    '',
    `Message-ID: <${messageId}>`,
    '',
    '--b--',
    '',
  ].join('\r\n');
