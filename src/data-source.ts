import type { DataSourceOptions } from 'typeorm';
import * as listed from '../migrations/index.ts';
import { postgresOptions, type DataSourceNeeds } from './platform/database/data-sources.ts';

/** Every entity, by name: nothing depends on paths or file endings. */
export const entities: DataSourceNeeds['entities'] = [];

export const migrations: DataSourceNeeds['migrations'] = Object.values(listed);

/** @param url the database, as countersign_app to run and as countersign_owner to migrate */
export function dataSourceOptions(
  url: string,
  needs: Partial<Omit<DataSourceNeeds, 'entities' | 'migrations'>> = {},
): DataSourceOptions {
  return postgresOptions(url, { ...needs, entities, migrations });
}
