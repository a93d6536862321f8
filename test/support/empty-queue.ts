import type { Client } from 'pg';

/** How often Postgres may answer with a deadlock before it is one of ours. */
const TRIES = 20;

/**
 * Empties BullMQ's tables, while they are in use. Taking all their locks at once may cross a worker that holds one of
 * them: Postgres then gives up on either, and an operator would simply ask again.
 */
export async function emptyQueueTables(client: Client): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT format('bullmq.%I', tablename) AS name FROM pg_tables WHERE schemaname = 'bullmq' AND tablename <> 'migration'`,
  );
  for (let tries = 1; ; tries++) {
    try {
      await client.query(`TRUNCATE ${rows.map(({ name }) => name).join(', ')}`);
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== '40P01' || tries === TRIES) throw error;
    }
  }
}
