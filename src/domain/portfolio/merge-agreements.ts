import { newId, type Id } from '../../kernel/ids.ts';
import { iso } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';
import {
  agreementHash,
  SILENT_AGREEMENT,
  type AgreementContent,
  type TermContent,
} from '../agreements/agreement.rules.ts';
import type { PortfolioRow } from './portfolio.schema.ts';
import { rowsOf, type Names } from './statements.ts';

const PAGE = 200;
/** Fields of an agreement's row that belong to its version. */
const VERSIONED = [
  'from',
  'until',
  'reviewOn',
  'prevailingLanguage',
  'authority',
  'approveWithinMinutes',
  'approveOtherwise',
  'containmentSteps',
  'drillEveryDays',
  'terms',
] as const;

type AgreementRow = Omit<PortfolioRow<'agreement'>, 'terms'> & { terms?: TermRow[] };
type TermRow = Omit<PortfolioRow<'term'>, 'key' | 'agreement'> & { key?: string };

interface Given {
  id: Id;
  partyId: Id;
  body: Partial<AgreementRow> | null;
  termRows: TermRow[] | null;
}

interface Stored extends AgreementContent {
  number: number;
  validFrom: string;
  hash: Buffer;
}

/**
 * Gives each agreement whose content differs from its latest version a new one. What a row leaves out is taken over from
 * the version before; terms that are given replace all terms.
 */
export async function mergeAgreements(db: Db, names: Names): Promise<void> {
  for (let after: Id = '00000000-0000-0000-0000-000000000000'; ;) {
    const page = await db.query<Given[]>(
      `SELECT a.id, a.party_id AS "partyId", s.body, t.terms AS "termRows"
         FROM (SELECT DISTINCT k.id FROM staging_row s
                 JOIN staging_key k ON k.run_id = $1 AND k.kind = 'agreement' AND k.key = CASE s.kind WHEN 'term' THEN s.body->>'agreement' ELSE s.key END
                WHERE s.run_id = $1 AND s.kind IN ('agreement', 'term') AND NOT s.bad AND k.id > $2 ORDER BY k.id LIMIT ${PAGE}) named
         JOIN agreement a ON a.id = named.id
         LEFT JOIN LATERAL (SELECT s.body FROM staging_key k JOIN staging_row s ON s.run_id = $1 AND s.kind = 'agreement' AND s.key = k.key AND NOT s.bad
                             WHERE k.run_id = $1 AND k.kind = 'agreement' AND k.id = a.id) s ON true
         LEFT JOIN LATERAL (SELECT jsonb_agg(t.body ORDER BY t.line) AS terms FROM staging_key k
                              JOIN staging_row t ON t.run_id = $1 AND t.kind = 'term' AND t.body->>'agreement' = k.key AND NOT t.bad
                             WHERE k.run_id = $1 AND k.kind = 'agreement' AND k.id = a.id) t ON true
        ORDER BY a.id`,
      [names.run, after],
    );
    const last = page.at(-1);
    if (!last) return;
    await mergePage(db, names, page);
    after = last.id;
  }
}

async function mergePage(db: Db, names: Names, page: readonly Given[]): Promise<void> {
  const [ids, stored] = [
    await idsOf(db, names, page),
    await latestVersions(
      db,
      page.map(({ id }) => id),
    ),
  ];
  const versions: object[] = [];
  const terms: object[] = [];
  const recipients: object[] = [];
  for (const given of page) {
    const latest = stored.get(given.id);
    const body: Partial<AgreementRow> = given.body ?? {};
    const speaks = given.termRows !== null || VERSIONED.some((field) => body[field] !== undefined);
    if (latest && !speaks) continue;
    const content = contentOf(body, given.termRows, latest ?? SILENT_AGREEMENT, ids);
    const hash = agreementHash(content);
    const sameStart = body.from == null || body.from === latest?.validFrom;
    if (latest && latest.hash.equals(hash) && sameStart) continue;
    const validFrom = body.from ?? iso(names.now.getTime());
    const versionId = newId();
    versions.push({
      ...content,
      terms: undefined,
      id: versionId,
      agreementId: given.id,
      partyId: given.partyId,
      number: (latest?.number ?? 0) + 1,
      validFrom,
      hash: hash.toString('hex'),
    });
    for (const term of content.terms) {
      const termId = newId();
      terms.push({
        ...term,
        id: termId,
        versionId,
        partyId: given.partyId,
        validFrom: term.validFrom ?? validFrom,
      });
      const told = [
        ...term.recipientContactIds.map((contactId) => ({ contactId, fallback: false })),
        ...term.fallbackContactIds.map((contactId) => ({ contactId, fallback: true })),
      ];
      const once = told.filter(
        ({ contactId }, at) => told.findIndex((other) => other.contactId === contactId) === at,
      );
      recipients.push(
        ...once.map((recipient, ordinal) => {
          const rung = recipient.fallback
            ? term.rungs?.find(({ contactId }) => contactId === recipient.contactId)
            : undefined;
          return {
            ...recipient,
            ordinal,
            termId,
            partyId: given.partyId,
            afterMinutes: rung?.minutes ?? null,
            afterPercent: rung?.percent ?? null,
          };
        }),
      );
    }
  }
  if (versions.length === 0) return;
  await db.query(
    `WITH came AS (
       INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, valid_until, review_on, prevailing_language, authority,
                                      approve_within_minutes, approve_otherwise, containment_steps, drill_every_days, content_hash, created_at)
       SELECT v.id, v."agreementId", v."partyId", v.number, v."validFrom", v."validUntil", v."reviewOn", v."prevailingLanguage", v.authority,
              v."approveWithinMinutes", v."approveOtherwise", v."containmentSteps", v."drillEveryDays", decode(v.hash, 'hex'), $3
         FROM jsonb_to_recordset($2::jsonb) AS v(id uuid, "agreementId" uuid, "partyId" uuid, number int, "validFrom" timestamptz, "validUntil" timestamptz,
              "reviewOn" date, "prevailingLanguage" text, authority text, "approveWithinMinutes" int, "approveOtherwise" text, "containmentSteps" jsonb, "drillEveryDays" int, hash text)
       RETURNING id)
     INSERT INTO staging_change (run_id, kind, id, created, counted) SELECT $1::uuid, 'agreementVersion', id, true, true FROM came`,
    [names.run, JSON.stringify(versions), names.now],
  );
  await db.query(
    `INSERT INTO term (id, agreement_version_id, party_id, external_key, direction, trigger, start_event, window_count, window_unit, zone, calendar_id,
                       warn_percent, escalate_percent, fulfilled_by, least_strength, language, category, rule_version, valid_from, valid_until)
     SELECT t.id, t."versionId", t."partyId", t.name, t.direction, t.trigger, t."startEvent", t."windowCount", t."windowUnit", t.zone, t."calendarId",
            t."warnPercent", t."escalatePercent", t."fulfilledBy", t."leastStrength", t.language, t.category, t."ruleVersion", t."validFrom", t."validUntil"
       FROM jsonb_to_recordset($1::jsonb) AS t(id uuid, "versionId" uuid, "partyId" uuid, name text, direction text, trigger text, "startEvent" text,
            "windowCount" int, "windowUnit" text, zone text, "calendarId" uuid, "warnPercent" int, "escalatePercent" int, "fulfilledBy" text, "leastStrength" text,
            language text, category text, "ruleVersion" text, "validFrom" timestamptz, "validUntil" timestamptz)`,
    [JSON.stringify(terms)],
  );
  await db.query(
    `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal, fallback, after_minutes, after_percent)
     SELECT r."termId", r."contactId", r."partyId", r.ordinal, r.fallback, r."afterMinutes", r."afterPercent"
       FROM jsonb_to_recordset($1::jsonb) AS r("termId" uuid, "contactId" uuid, "partyId" uuid, ordinal int, fallback boolean,
            "afterMinutes" int, "afterPercent" int)`,
    [JSON.stringify(recipients)],
  );
}

function contentOf(
  body: Partial<AgreementRow>,
  termRows: TermRow[] | null,
  before: AgreementContent,
  ids: ReadonlyMap<string, Id>,
): AgreementContent {
  const terms = [...(body.terms ?? []), ...(termRows ?? [])];
  return {
    validUntil: body.until === undefined ? before.validUntil : body.until,
    reviewOn: body.reviewOn === undefined ? before.reviewOn : body.reviewOn,
    prevailingLanguage: body.prevailingLanguage ?? before.prevailingLanguage,
    authority: body.authority ?? before.authority,
    approveWithinMinutes:
      body.approveWithinMinutes === undefined ? before.approveWithinMinutes : body.approveWithinMinutes,
    approveOtherwise: body.approveOtherwise ?? before.approveOtherwise,
    containmentSteps: body.containmentSteps ?? before.containmentSteps,
    drillEveryDays: body.drillEveryDays === undefined ? (before.drillEveryDays ?? null) : body.drillEveryDays,
    terms:
      body.terms === undefined && termRows === null ? before.terms : terms.map((term) => termOf(term, ids)),
  };
}

function termOf(term: TermRow, ids: ReadonlyMap<string, Id>): TermContent {
  const contact = (key: string) => ids.get(`contact ${key}`);
  const known = (keys: readonly string[]) => keys.map(contact).filter((id) => id !== undefined);
  return {
    name: term.name ?? term.key ?? null,
    direction: term.direction,
    trigger: term.trigger,
    startEvent: term.startEvent,
    windowCount: term.window?.count ?? null,
    windowUnit: term.window?.unit ?? null,
    zone: term.zone,
    calendarId: term.calendar == null ? null : (ids.get(`calendar ${term.calendar}`) ?? null),
    warnPercent: term.warnPercent,
    escalatePercent: term.escalatePercent,
    fulfilledBy: term.fulfilledBy,
    leastStrength: term.leastStrength ?? null,
    language: term.language,
    category: term.category,
    ruleVersion: term.ruleVersion,
    validFrom: term.from ?? null,
    validUntil: term.until ?? null,
    recipientContactIds: known(term.recipients),
    fallbackContactIds: known(term.fallbackRecipients),
    ...rungsOf(term, contact),
  };
}

/** Left out where nothing is said, so that the same agreement keeps its hash. */
function rungsOf(term: TermRow, contact: (key: string) => Id | undefined): Pick<TermContent, 'rungs'> {
  const rungs = term.rungs.flatMap(({ recipient, minutes, percent }) => {
    const contactId = contact(recipient);
    return contactId === undefined ? [] : [{ contactId, minutes, percent }];
  });
  return rungs.length > 0 ? { rungs } : {};
}

/** Ids of the contacts and calendars that a page's terms name, by "kind key". */
async function idsOf(db: Db, names: Names, page: readonly Given[]): Promise<Map<string, Id>> {
  const terms = page.flatMap(({ body, termRows }) => [...(body?.terms ?? []), ...(termRows ?? [])]);
  const keys = new Set(
    terms.flatMap((term) => [
      ...term.recipients,
      ...term.fallbackRecipients,
      ...(term.calendar == null ? [] : [term.calendar]),
    ]),
  );
  if (keys.size === 0) return new Map();
  const rows = await db.query<{ kind: string; key: string; id: Id }[]>(
    `SELECT kind, key, id FROM staging_key WHERE run_id = $1 AND kind IN ('contact', 'calendar') AND key = ANY($2) AND id IS NOT NULL`,
    [names.run, [...keys]],
  );
  return new Map(rows.map(({ kind, key, id }) => [`${kind} ${key}`, id]));
}

async function latestVersions(db: Db, agreementIds: readonly Id[]): Promise<Map<Id, Stored>> {
  const versions = rowsOf<
    Record<string, unknown> & {
      id: Id;
      agreementId: Id;
      validFrom: Date;
      validUntil: Date | null;
      hash: Buffer;
    }
  >(
    await db.query(
      `SELECT DISTINCT ON (agreement_id) id, agreement_id AS "agreementId", number, valid_from AS "validFrom", valid_until AS "validUntil", review_on::text AS "reviewOn",
              prevailing_language AS "prevailingLanguage", authority, approve_within_minutes AS "approveWithinMinutes", approve_otherwise AS "approveOtherwise",
              containment_steps AS "containmentSteps", drill_every_days AS "drillEveryDays", content_hash AS hash
         FROM agreement_version WHERE agreement_id = ANY($1) ORDER BY agreement_id, number DESC`,
      [agreementIds],
    ),
  );
  if (versions.length === 0) return new Map();
  const terms = await db.query<
    (Record<string, unknown> & { versionId: Id; validFrom: Date; validUntil: Date | null })[]
  >(
    `SELECT t.agreement_version_id AS "versionId", t.external_key AS name, t.direction, t.trigger, t.start_event AS "startEvent", t.window_count AS "windowCount",
            t.window_unit AS "windowUnit", t.zone, t.calendar_id AS "calendarId", t.warn_percent AS "warnPercent", t.escalate_percent AS "escalatePercent",
            t.fulfilled_by AS "fulfilledBy", t.least_strength AS "leastStrength", t.language, t.category, t.rule_version AS "ruleVersion", t.valid_from AS "validFrom", t.valid_until AS "validUntil",
            ARRAY(SELECT r.contact_id FROM term_recipient r WHERE r.term_id = t.id AND NOT r.fallback ORDER BY r.ordinal) AS "recipientContactIds",
            ARRAY(SELECT r.contact_id FROM term_recipient r WHERE r.term_id = t.id AND r.fallback ORDER BY r.ordinal) AS "fallbackContactIds",
            (SELECT jsonb_agg(jsonb_build_object('contactId', r.contact_id, 'minutes', r.after_minutes, 'percent', r.after_percent) ORDER BY r.ordinal)
               FROM term_recipient r WHERE r.term_id = t.id AND num_nonnulls(r.after_minutes, r.after_percent) = 1) AS rungs
       FROM term t WHERE t.agreement_version_id = ANY($1) ORDER BY t.id`,
    [versions.map(({ id }) => id)],
  );
  return new Map(
    versions.map(({ id, agreementId, validFrom, validUntil, ...version }) => {
      const own = terms.flatMap(({ versionId, validFrom: from, validUntil: until, rungs, ...term }) =>
        versionId !== id
          ? []
          : [
              {
                ...term,
                ...(rungs ? { rungs } : {}),
                validFrom: from.getTime() === validFrom.getTime() ? null : iso(from.getTime()),
                validUntil: until && iso(until.getTime()),
              },
            ],
      );
      return [
        agreementId,
        {
          ...version,
          terms: own,
          validFrom: iso(validFrom.getTime()),
          validUntil: validUntil && iso(validUntil.getTime()),
        } as unknown as Stored,
      ];
    }),
  );
}
