import 'reflect-metadata';
import { configured, reportFailure } from './cli/failure.ts';
import { serveUntilSignal } from './serve.ts';

// The process: HTTP, worker or both, by COUNTERSIGN_ROLE.
try {
  process.exit(await serveUntilSignal(configured()));
} catch (thrown) {
  process.exit(reportFailure(thrown));
}
