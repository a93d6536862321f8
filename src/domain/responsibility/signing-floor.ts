import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { Strength } from './attestation.rules.ts';

/**
 * How strong a signature must be at least under the matrix of an integration. Whoever stands above decides it; the boot
 * refuses an application in which nobody does.
 */
export abstract class SigningFloor {
  /** `mailbox` for an integration that is not there: any signature is strong enough for it. */
  abstract least(db: Db, integrationId: Id): Promise<Strength>;
}
