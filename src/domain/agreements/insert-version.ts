import { newId, type Id } from '../../kernel/ids.ts';
import { iso, type Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { agreementHash } from './agreement.rules.ts';
import type { DraftContent, DraftTerm } from './draft.schema.ts';
import { storedSteps, type StoredStep } from './drafts.queries.ts';

export interface NewVersion {
  /** Of the agreement. */
  id: Id;
  partyId: Id;
  number: number;
  validFrom: Millis;
  hash: Buffer;
  said: Omit<DraftContent, 'containmentSteps' | 'terms'> & {
    containmentSteps: readonly StoredStep[];
    terms: readonly (DraftTerm & {
      windowCount: number | null;
      windowUnit: string | null;
      calendarId: Id | null;
    })[];
  };
  now: Millis;
}

/** A draft as it is stored, with the hash of what it says. @param calendars ids by key */
export function readyToWrite(
  content: DraftContent,
  calendars: ReadonlyMap<string, Id>,
): { said: NewVersion['said']; hash: Buffer } {
  const said = {
    ...content,
    containmentSteps: storedSteps(content.containmentSteps),
    terms: content.terms.map((term) => ({
      ...term,
      windowCount: term.window?.count ?? null,
      windowUnit: term.window?.unit ?? null,
      calendarId: term.calendar === null ? null : (calendars.get(term.calendar) ?? null),
    })),
  };
  const hash = agreementHash({
    validUntil: said.validUntil,
    reviewOn: said.reviewOn,
    prevailingLanguage: said.prevailingLanguage,
    authority: said.authority,
    approveWithinMinutes: said.approveWithinMinutes,
    approveOtherwise: said.approveOtherwise,
    containmentSteps: said.containmentSteps,
    drillEveryDays: said.drillEveryDays,
    terms: said.terms.map((term) => ({
      name: term.name,
      direction: term.direction,
      trigger: term.trigger,
      startEvent: term.startEvent,
      windowCount: term.windowCount,
      windowUnit: term.windowUnit,
      zone: term.zone,
      calendarId: term.calendarId,
      warnPercent: term.warnPercent,
      escalatePercent: term.escalatePercent,
      fulfilledBy: term.fulfilledBy,
      leastStrength: term.leastStrength ?? null,
      language: term.language,
      category: term.category,
      ruleVersion: term.ruleVersion,
      validFrom: null,
      validUntil: null,
      recipientContactIds: term.recipients,
      fallbackContactIds: term.fallbackRecipients,
      ...(term.rungs
        ? {
            rungs: term.rungs.map(({ recipient, minutes, percent }) => ({
              contactId: recipient,
              minutes: minutes ?? null,
              percent: percent ?? null,
            })),
          }
        : {}),
    })),
  });
  return { said, hash };
}

/** Writes a version with its terms and whom they name. @returns the version's id */
export async function insertVersion(
  db: Db,
  { id: agreementId, partyId, number, validFrom, hash, said, now }: NewVersion,
): Promise<Id> {
  const id = newId();
  await db.query(
    `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, valid_until, review_on, prevailing_language, authority,
                                    approve_within_minutes, approve_otherwise, containment_steps, drill_every_days, content_hash, created_at)
     VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)`,
    [
      id,
      agreementId,
      partyId,
      number,
      iso(validFrom),
      said.validUntil,
      said.reviewOn,
      said.prevailingLanguage,
      said.authority,
      said.approveWithinMinutes,
      said.approveOtherwise,
      JSON.stringify(said.containmentSteps),
      said.drillEveryDays,
      hash,
      iso(now),
    ],
  );
  const terms = said.terms.map((term) => ({ ...term, id: newId() }));
  await db.query(
    `INSERT INTO term (id, agreement_version_id, party_id, external_key, direction, trigger, start_event, window_count, window_unit, zone, calendar_id,
                       warn_percent, escalate_percent, fulfilled_by, least_strength, language, category, rule_version, valid_from)
     SELECT t.id, $2, $3, t.name, t.direction, t.trigger, t."startEvent", t."windowCount", t."windowUnit", t.zone, t."calendarId",
            t."warnPercent", t."escalatePercent", t."fulfilledBy", t."leastStrength", t.language, t.category, t."ruleVersion", $4
       FROM jsonb_to_recordset($1::jsonb) AS t(id uuid, name text, direction text, trigger text, "startEvent" text,
            "windowCount" int, "windowUnit" text, zone text, "calendarId" uuid, "warnPercent" int, "escalatePercent" int, "fulfilledBy" text, "leastStrength" text,
            language text, category text, "ruleVersion" text)`,
    [JSON.stringify(terms), id, partyId, iso(validFrom)],
  );
  const recipients = terms.flatMap((term) =>
    [
      ...term.recipients.map((contactId) => ({ contactId, fallback: false })),
      ...term.fallbackRecipients.map((contactId) => ({ contactId, fallback: true })),
    ].map((recipient, ordinal) => {
      const rung = term.rungs?.find((one) => one.recipient === recipient.contactId);
      return {
        ...recipient,
        ordinal,
        termId: term.id,
        afterMinutes: rung?.minutes ?? null,
        afterPercent: rung?.percent ?? null,
      };
    }),
  );
  await db.query(
    `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal, fallback, after_minutes, after_percent)
     SELECT r."termId", r."contactId", $2, r.ordinal, r.fallback, r."afterMinutes", r."afterPercent"
       FROM jsonb_to_recordset($1::jsonb) AS r("termId" uuid, "contactId" uuid, ordinal int, fallback boolean,
            "afterMinutes" int, "afterPercent" int)`,
    [JSON.stringify(recipients), partyId],
  );
  return id;
}
