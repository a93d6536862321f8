import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';

/**
 * Whether somebody else than its writer approves a notice that a person wrote. Whoever stands above decides it; the boot
 * refuses an application in which nobody does.
 */
export abstract class SecondPerson {
  /** @param about what it is about: a case is a duty to tell, an integration alone is not */
  abstract needed(db: Db, integrationId: Id, about: 'case' | 'integration'): Promise<boolean>;
}
