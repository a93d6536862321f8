import type { z } from 'zod';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { judgeDeclared } from './judge-declared.definition.ts';
import { cellsOfVersion, declaredNow, findDraft, newestVersion } from './matrix-facts.queries.ts';
import { Signatures } from './signatures.service.ts';

/** Lets signatures fall when what the integration is has grown wider than what was signed. */
@JobHandler(judgeDeclared)
export class JudgeDeclaredJob implements Handler<z.infer<typeof judgeDeclared.payload>> {
  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly signatures: Signatures,
  ) {}

  async handle({ integrationId }: { integrationId: string }, { by }: JobCall): Promise<void> {
    await this.transactions.run(by, async (db) => {
      await db.query('SELECT 1 FROM integration WHERE id = $1 FOR NO KEY UPDATE', [integrationId]);
      const newest = await newestVersion(db, integrationId);
      if (!newest) return;
      const draft = await findDraft(db, integrationId);
      const rows = draft ? draft.cells.filter(({ gone }) => !gone) : await cellsOfVersion(db, newest.id);
      const declared = await declaredNow(db, integrationId);
      await this.signatures.fallIfMaterial(db, integrationId, { rows, declared }, by, this.clock.now());
    });
  }
}
