/** What a bench may use: a durable Postgres of its own, migrated, and Redis where REDIS_URL names one. */
export interface BenchPlace {
  appUrl: string;
  adminUrl: string;
  /** A further database on the same server, migrated and empty: for a bench that counts what there is. */
  database(name: string): Promise<{ appUrl: string; adminUrl: string }>;
  redisUrl: string | undefined;
  /** Fewer rounds: all benches together under two minutes, and what they say less sure. */
  quick: boolean;
  /** Prints one figure; the last lines of a run repeat them all. */
  figure(name: string, value: number, unit: string): void;
}
