import { JobHandler, type Handler, type JobCall } from '../../platform/queue/handlers.ts';
import { importPortfolio } from './import-portfolio.definition.ts';
import { ImportsService } from './imports.service.ts';

/** Runs an import that came over the API. A worker that dies is followed by another, which begins anew. */
@JobHandler(importPortfolio)
export class ImportPortfolioJob implements Handler<{ jobId: string }> {
  constructor(private readonly imports: ImportsService) {}

  async handle({ jobId }: { jobId: string }, call: JobCall): Promise<void> {
    await this.imports.work(jobId, call.by, {
      last: call.attempt >= importPortfolio.retry.attempts,
      signal: call.signal,
    });
  }
}
