import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { namedConditions, Parameters, where, type NamedFilter } from '../parties/named.queries.ts';
import { stepsOf, type StoredStep } from './drafts.queries.ts';
import type { AgreementLine, AgreementVersionView, AgreementView } from './agreement.schema.ts';

const LINE = `t.id, t.reference, t.source, t.external_key AS key, t.title, t.party_id AS "partyId", p.name AS "partyName", v.number AS version, v.review_on::text AS "reviewOn"`;

/** The version in force at an instant. */
function from(now: string): string {
  return `agreement t LEFT JOIN party p ON p.id = t.party_id
    LEFT JOIN LATERAL (SELECT number, review_on FROM agreement_version v
                        WHERE v.agreement_id = t.id AND v.valid_from <= ${now} AND (v.valid_until IS NULL OR v.valid_until > ${now})
                        ORDER BY number DESC LIMIT 1) v ON true`;
}

/** By title. */
export function listAgreements(
  db: Db,
  filter: NamedFilter & { partyId?: Id },
  now: Millis,
): Promise<AgreementLine[]> {
  const parameters = new Parameters();
  const tables = from(parameters.$(new Date(now)));
  const conditions = namedConditions(filter, parameters, 't.title');
  if (filter.partyId !== undefined) conditions.push(`t.party_id = ${parameters.$(filter.partyId)}`);
  return db.query<AgreementLine[]>(
    `SELECT ${LINE} FROM ${tables} ${where(conditions)} ORDER BY t.title, t.id LIMIT ${parameters.$(filter.limit)}`,
    parameters.values,
  );
}

export async function findAgreement(db: Db, id: Id, now: Millis): Promise<AgreementView | undefined> {
  const [agreement] = await db.query<Omit<AgreementView, 'versions'>[]>(
    `SELECT ${LINE}, t.row_version AS "rowVersion" FROM ${from('$2')} WHERE t.id = $1`,
    [id, new Date(now)],
  );
  if (!agreement) return undefined;
  const versions = await db.query<
    (Omit<AgreementVersionView, 'validFrom' | 'validUntil' | 'containmentSteps' | 'containment'> & {
      storedSteps: StoredStep[];
      validFrom: Date;
      validUntil: Date | null;
    })[]
  >(
    `SELECT v.id, v.number, v.valid_from AS "validFrom", v.valid_until AS "validUntil", v.review_on::text AS "reviewOn", v.prevailing_language AS "prevailingLanguage",
            v.authority, v.approve_within_minutes AS "approveWithinMinutes", v.approve_otherwise AS "approveOtherwise", v.containment_steps AS "storedSteps", v.drill_every_days AS "drillEveryDays",
            encode(v.content_hash, 'hex') AS "contentHash",
            coalesce((SELECT jsonb_agg(jsonb_build_object('id', t.id, 'name', t.external_key, 'direction', t.direction, 'trigger', t.trigger, 'startEvent', t.start_event,
                'windowCount', t.window_count, 'windowUnit', t.window_unit, 'zone', t.zone, 'calendar', c.name, 'warnPercent', t.warn_percent, 'escalatePercent', t.escalate_percent,
                'fulfilledBy', t.fulfilled_by, 'leastStrength', t.least_strength, 'language', t.language, 'category', t.category,
                'recipients', coalesce((SELECT jsonb_agg(jsonb_build_object('contactId', r.contact_id, 'name', k.name, 'fallback', r.fallback,
                                            'afterMinutes', r.after_minutes, 'afterPercent', r.after_percent) ORDER BY r.fallback, r.ordinal)
                                          FROM term_recipient r LEFT JOIN contact k ON k.id = r.contact_id WHERE r.term_id = t.id), '[]')) ORDER BY t.direction, t.trigger, t.id)
              FROM term t LEFT JOIN calendar c ON c.id = t.calendar_id WHERE t.agreement_version_id = v.id), '[]') AS terms
       FROM agreement_version v WHERE v.agreement_id = $1 ORDER BY v.number DESC LIMIT 50`,
    [id],
  );
  return {
    ...agreement,
    versions: versions.map(({ storedSteps, ...version }) => ({
      ...version,
      containmentSteps: stepsOf(storedSteps).map(({ step }) => step),
      containment: stepsOf(storedSteps),
      validFrom: version.validFrom.toISOString(),
      validUntil: version.validUntil?.toISOString() ?? null,
    })),
  };
}
