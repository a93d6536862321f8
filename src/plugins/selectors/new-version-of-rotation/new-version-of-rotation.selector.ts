import { Injectable } from '@nestjs/common';
import { versionItem } from '../../../domain/rotation/items.queries.ts';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import { Clock } from '../../../platform/clock/clock.ts';
import type { Db } from '../../../platform/database/transactions.ts';

/** The version that a rotation made, if it made one. */
@Injectable()
export class NewVersionOfRotationSelector implements Selector {
  readonly name = 'new-version-of-rotation';
  readonly title = 'The new version of a rotation';

  constructor(private readonly clock: Clock) {}

  async page(
    db: Db,
    request: { subject: Subject; cursor: string | null },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    if (request.cursor !== null) return { items: [], next: null };
    return { items: await versionItem(db, request.subject.id, 'new', this.clock.now()), next: null };
  }

  async count(db: Db, { subject }: { subject: Subject }): Promise<number> {
    return (await versionItem(db, subject.id, 'new', this.clock.now())).length;
  }
}
