import { Client } from 'pg';
import { SECOND } from '../../kernel/time.ts';

/** Opens one connection outside any pool, hands it to `work`, and closes it. */
export async function withClient<T>(url: string, work: (client: Client) => Promise<T>): Promise<T> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: 5 * SECOND,
    keepAlive: true,
    application_name: 'countersign boot',
  });
  client.on('error', () => {}); // the running query rejects; without a listener the process would end
  await client.connect();
  try {
    return await work(client);
  } finally {
    await client.end().catch(() => {});
  }
}
