import { Injectable } from '@nestjs/common';
import { placeItems } from '../../../domain/rotation/items.queries.ts';
import type { SelectedItem, Subject } from '../../../domain/runbooks/action.ts';
import type { Selector } from '../../../domain/runbooks/selector.ts';
import type { Db } from '../../../platform/database/transactions.ts';

/** Every copy that holds the new version of a rotation already. */
@Injectable()
export class PlacesOfNewVersionSelector implements Selector {
  readonly name = 'places-of-new-version';
  readonly title = 'The places that hold the new version';

  async page(
    db: Db,
    request: { subject: Subject; cursor: string | null; limit: number },
  ): Promise<{ items: SelectedItem[]; next: string | null }> {
    const { subject, cursor, limit } = request;
    const items = await placeItems(db, subject.id, 'new', { after: cursor, limit });
    return { items, next: items.length === limit ? items.at(-1)!.key : null };
  }

  async count(db: Db, { subject }: { subject: Subject }): Promise<number> {
    return (await placeItems(db, subject.id, 'new', { after: null, limit: 10_000 })).length;
  }
}
