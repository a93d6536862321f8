import { Injectable } from '@nestjs/common';
import { placeItems } from '../../../domain/rotation/items.queries.ts';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Db } from '../../../platform/database/transactions.ts';

/** Every copy that holds the old version of a rotation, or of which nobody knows what it holds. */
@Injectable()
export class PlacesOfOldVersionSelector implements Selector {
  readonly name = 'places-of-old-version';
  readonly title = 'The places that hold the old version';

  async page(
    db: Db,
    request: { subject: Subject; cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const { subject, cursor, limit } = request;
    const items = await placeItems(db, subject.id, 'old', { after: cursor, limit });
    return { items, next: items.length === limit ? items.at(-1)!.key : null };
  }

  async count(db: Db, { subject }: { subject: Subject }): Promise<number> {
    return (await placeItems(db, subject.id, 'old', { after: null, limit: 10_000 })).length;
  }
}
