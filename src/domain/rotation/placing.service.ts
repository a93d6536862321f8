import { Injectable } from '@nestjs/common';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import type { StepAnswer } from '../runbooks/action.ts';
import { findPlace, type PlaceRow } from './places.queries.ts';
import { RotationRecords, type RotationRow } from './rotation-records.service.ts';
import { CLOSED } from './rotation.rules.ts';

/** Asks for the new version to be put wherever the old one is. */
@Injectable()
export class Placing {
  constructor(
    private readonly transactions: Transactions,
    private readonly records: RotationRecords,
  ) {}

  /** One place: done when it holds the version that it is to hold, else its owner is asked. */
  async ask(
    rotationId: Id,
    locationId: Id,
    back: boolean,
    what: string | undefined,
    by: Principal,
  ): Promise<StepAnswer> {
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
        forWhat: `${place.name} (${where}): ${do_} Then confirm it on the page of the rotation ${row.reference}.`,
        ...(place.ownerContactId ? { ownerContactId: place.ownerContactId } : {}),
      };
    });
  }
}

function isSettled(row: RotationRow, place: PlaceRow, back: boolean): boolean {
  if (back) return place.versionId !== row.newVersionId;
  return place.versionId === row.newVersionId || place.state === 'holds_new' || place.state === 'left';
}
