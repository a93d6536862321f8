import { migrations } from '../data-source.ts';
import { openDatabase } from '../platform/database/open.ts';
import { print, type AddCommand } from './command.ts';
import { configured } from './failure.ts';

export const addMigrate: AddCommand = (program) => {
  program
    .command('migrate')
    .description('bring the database to this release')
    .action(async () => {
      const database = await openDatabase(configured(), { migrations, migrate: true });
      await database.close();
      for (const name of database.migrated?.applied ?? []) print(`applied ${name}`);
      print(`the database is up to date (queue schema ${database.migrated?.queueVersion ?? 'unknown'})`);
    });
};
