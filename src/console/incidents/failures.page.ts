import { Body, Get, Param, Post } from '@nestjs/common';
import { Refused, refusal } from '../../kernel/errors.ts';
import type { Principal } from '../../kernel/principal.ts';
import { By, Permission } from '../../domain/access/route.ts';
import { reportFailureSchema } from '../../domain/incidents/failure.schema.ts';
import { failures } from '../../domain/incidents/failures.queries.ts';
import { FailuresService } from '../../domain/incidents/failures.service.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { problemsOf, readForm, typedIn } from '../shared/forms.tsx';
import { ConsolePage, goes, shows, type Answer } from '../shared/page.ts';
import { reference } from '../shared/search.ts';
import { FailuresPageView, type RefusedFailure, type Reportable } from './failures.view.tsx';
import { findIncident } from './room.queries.ts';

const UUID = '[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}';
const WHAT = new RegExp(`^(${UUID}):(${UUID}):(${UUID})$`);
const name = { schema: reference };

/** What failed since an incident is known, and a form for people who see something fail. */
@ConsolePage()
export class FailuresPage {
  constructor(
    private readonly transactions: Transactions,
    private readonly service: FailuresService,
  ) {}

  @Get('incidents/:reference/failures')
  @Permission('incidents:read', { face: 'console' })
  show(@Param('reference', name) incident: string, @By() by: Principal): Promise<Answer> {
    return this.#draw(incident, by);
  }

  @Post('incidents/:reference/failures')
  @Permission('incidents:act', { face: 'console' })
  async report(
    @Param('reference', name) incident: string,
    @Body() body: unknown,
    @By() by: Principal,
  ): Promise<Answer> {
    const typed = typedIn(body);
    const read = readForm(reportFailureSchema, inputOf(typed));
    if (!read.ok) return this.#draw(incident, by, { problems: read.error, typed });
    const done = await this.service.report(read.value, by);
    if (!done.ok)
      return this.#draw(incident, by, { problems: problemsOf(done.error.message, done.error.fields), typed });
    const { class: kind, why } = done.value.failure;
    return goes(`/incidents/${incident}/failures`, {
      tone: 'dead',
      text: `On record as ${kind}: ${why}.`,
    });
  }

  async #draw(incident: string, by: Principal, refused?: RefusedFailure): Promise<Answer> {
    const model = await this.transactions.run(by, async (db) => {
      const head = await findIncident(db, incident);
      if (!head)
        throw new Refused(
          refusal('not_found', 'not-found', 'There is no such incident, or it is not yours to see.'),
        );
      return {
        head,
        failures: await failures(db, { incidentId: head.id }, 200),
        credentials: await reportable(db, head.id),
      };
    });
    return shows(
      (frame) => FailuresPageView({ frame, ...model, ...(refused ? { refused } : {}) }),
      refused ? 422 : 200,
    );
  }
}

/** A form knows only text; what is left empty was not said. */
function inputOf(typed: Readonly<Record<string, string>>): Record<string, unknown> {
  const [, integrationId, credentialId, versionId] = WHAT.exec(typed['what'] ?? '') ?? [];
  const number = (field: string) => {
    const text = (typed[field] ?? '').trim();
    return text === '' ? {} : { [field]: Number(text) };
  };
  const at = (typed['at'] ?? '').trim();
  return {
    integrationId,
    credentialId,
    versionId,
    consumer: (typed['consumer'] ?? '').trim(),
    at: /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?$/.test(at) ? `${at}Z` : at,
    fallback: typed['fallback'],
    note: typed['note'] ?? '',
    ...number('status'),
    ...number('actors'),
    ...number('actorsFailing'),
  };
}

/** Every use of an exposed credential. */
function reportable(db: Db, incidentId: string): Promise<Reportable[]> {
  return db.query(
    `SELECT u.integration_id || ':' || x.credential_id || ':' || x.version_id AS id,
            c.name || ', version ' || v.number || ' in ' || n.name AS label
       FROM incident_credential x JOIN credential c ON c.id = x.credential_id JOIN credential_version v ON v.id = x.version_id
       JOIN credential_use u ON u.credential_id = x.credential_id JOIN integration n ON n.id = u.integration_id
      WHERE x.incident_id = $1 ORDER BY c.name, v.number, n.name LIMIT 200`,
    [incidentId],
  );
}
