import type { Id } from '../../kernel/ids.ts';
import type { Millis } from '../../kernel/time.ts';
import type { Db } from '../../platform/database/transactions.ts';

/**
 * How old the version in use of a credential may become by the policy of its integration. Whoever stands above decides it;
 * the boot refuses an application in which nobody does.
 */
export abstract class RotationIntervals {
  /** Credentials without a limit are left out. */
  abstract of(db: Db, credentialIds: readonly Id[]): Promise<ReadonlyMap<Id, Millis>>;
}
