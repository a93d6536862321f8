import type { Id } from '../../kernel/ids.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { JobHandler, type JobCall } from '../../platform/queue/handlers.ts';
import { SignalsService } from '../signals/signals.service.ts';
import { signalCases, signalCompromised } from './signal-cases.definition.ts';

interface CaseRow {
  id: Id;
  reference: string;
  integration_id: Id;
  state: string;
  opened_at: Date;
  updated_at: Date;
  row_version: number;
}

/** Each state of a case is told once: its version counts nothing but its states. */
@JobHandler(signalCases)
export class SignalCasesJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly signals: SignalsService,
  ) {}

  async handle({ incidentId }: { incidentId: Id }, call: JobCall): Promise<void> {
    await this.transactions.run(call.by, async (db) => {
      const cases = await rowsOf<CaseRow>(
        db,
        `SELECT id, reference, integration_id, state, opened_at, updated_at, row_version FROM incident_case
          WHERE incident_id = $1 ORDER BY id`,
        [incidentId],
      );
      for (const one of cases) {
        const opened = one.row_version === 1;
        await this.signals.publish(db, {
          type: opened ? 'case.opened' : 'case.moved',
          at: (opened ? one.opened_at : one.updated_at).getTime(),
          integrationIds: [one.integration_id],
          facts: { case: { id: one.id, reference: one.reference, state: one.state } },
          once: `case:${one.id}:${one.row_version}`,
        });
      }
    });
  }
}

@JobHandler(signalCompromised)
export class SignalCompromisedJob {
  constructor(
    private readonly transactions: Transactions,
    private readonly signals: SignalsService,
  ) {}

  async handle({ incidentId }: { incidentId: Id }, call: JobCall): Promise<void> {
    await this.transactions.run(call.by, async (db) => {
      const confirmed = await rowsOf<{
        case_id: Id;
        reference: string;
        integration_id: Id;
        credential_id: Id;
        version_id: Id;
        number: number;
        at: Date;
      }>(
        db,
        `SELECT c.id AS case_id, c.reference, c.integration_id, k.credential_id, k.version_id, v.number, t.at
           FROM incident_case c JOIN case_credential k ON k.case_id = c.id JOIN credential_version v ON v.id = k.version_id
           JOIN LATERAL (SELECT at FROM instant t WHERE t.case_id = c.id AND t.kind = 'confirmed' ORDER BY t.at LIMIT 1) t ON true
          WHERE c.incident_id = $1 ORDER BY c.id, k.version_id`,
        [incidentId],
      );
      for (const one of confirmed) {
        await this.signals.publish(db, {
          type: 'credential.compromised',
          at: one.at.getTime(),
          integrationIds: [one.integration_id],
          credentialId: one.credential_id,
          facts: {
            version: { id: one.version_id, number: one.number },
            case: { id: one.case_id, reference: one.reference },
          },
          once: `compromised:${one.case_id}:${one.version_id}`,
        });
      }
    });
  }
}
