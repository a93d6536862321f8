import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { RevocationCall } from '../revocation/probing.service.ts';
import { StorePlaces } from '../revocation/store-places.service.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { PlaceRecords } from './place-records.service.ts';
import { findPlace, type PlaceRow } from './places.queries.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { CLOSED } from './rotation.rules.ts';

/** Has the new version put wherever the old one is: by machine where the place is an entry of a store, else by its owner. */
@Injectable()
export class Placing {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
    private readonly places: PlaceRecords,
    private readonly stores: StorePlaces,
  ) {}

  /** One place: done when it holds the version that it is to hold, else its owner is asked. */
  async ask(
    rotationId: Id,
    locationId: Id,
    back: boolean,
    what: string | undefined,
    call: RevocationCall,
  ): Promise<StepAnswer> {
    const { by } = call;
    const asked = await this.#asked(rotationId, locationId, back, what, by);
    if (asked.answer !== 'parked' || !asked.versionId) return withoutVersion(asked);
    const written = await this.stores.write(locationId, asked.versionId, call);
    if (!written) return withoutVersion(asked);
    if (written.outcome === 'retry' && call.tries?.left !== 0)
      return {
        answer: 'retry',
        reason: `its store was not written to: ${written.why}`,
        ...(written.after === undefined ? {} : { after: written.after }),
      };
    if (written.outcome !== 'written')
      return withoutVersion({
        ...asked,
        forWhat: `${asked.forWhat} No machine could put it there: ${written.why}.`,
      });
    const said = { state: back ? 'taken_back' : 'holds_new', how: 'store', note: written.note } as const;
    const noted = await this.transactions.run(by, (db) =>
      this.places.record(db, rotationId, locationId, said, by),
    );
    if (!noted.ok) return { answer: 'failed', reason: noted.error.message };
    const { idempotencyKey, signal } = call;
    await this.stores.look(locationId, asked.versionId, { by, idempotencyKey, signal });
    return { answer: 'done', output: { place: said.state }, note: written.note };
  }

  async #asked(
    rotationId: Id,
    locationId: Id,
    back: boolean,
    what: string | undefined,
    by: Principal,
  ): Promise<Asked> {
    return this.transactions.run(by, async (db) => {
      const held = await this.records.hold(db, rotationId);
      if (!held?.newVersionId) return { answer: 'skipped', reason: 'there is no new version' };
      if (CLOSED.has(held.state))
        return { answer: 'failed', reason: `the rotation is ${held.state.replaceAll('_', ' ')}` };
      const row =
        !back && held.state === 'stored' ? await this.records.move(db, held, 'propagate', by) : held;
      const place = await findPlace(db, row, locationId);
      if (!place) return { answer: 'skipped', reason: 'there is no copy at this place any more' };
      if (isSettled(row, place, back))
        return { answer: 'done', output: { place: place.state ?? 'holds_new' } };
      const number = back ? row.oldNumber : row.newNumber;
      const where = [place.kind.replaceAll('_', ' '), place.path].filter(Boolean).join(', ');
      const do_ = what && !back ? what : `Put version ${number} of ${row.credentialName} into this place.`;
      return {
        answer: 'parked',
        versionId: back ? row.oldVersionId : row.newVersionId,
        forWhat: `${place.name} (${where}): ${do_} Then confirm it on the page of the rotation ${row.reference}.`,
        ...(place.ownerContactId ? { ownerContactId: place.ownerContactId } : {}),
      };
    });
  }
}

type Asked = StepAnswer & { versionId?: Id | null };

function withoutVersion({ versionId: _versionId, ...answer }: Asked): StepAnswer {
  return answer;
}

function isSettled(row: RotationRow, place: PlaceRow, back: boolean): boolean {
  if (back) return place.versionId !== row.newVersionId;
  return place.versionId === row.newVersionId || place.state === 'holds_new' || place.state === 'left';
}
