import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Strength } from './acknowledgement.rules.ts';

/**
 * How strong an acknowledgement must be at least, of what is owed under an integration. Whoever stands above decides it;
 * the boot refuses an application in which nobody does.
 */
export abstract class AcknowledgementFloor {
  /** `mailbox` for an integration that is not there: any acknowledgement is strong enough for it. */
  abstract least(db: Db, integrationIds: readonly Id[]): Promise<ReadonlyMap<Id, Strength>>;
}
