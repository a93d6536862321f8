import { randomFillSync } from 'node:crypto';
import { v7 } from 'uuid';

/** A UUIDv7 (RFC 9562 section 5.7): unique, and sorted by the time of its making. */
export type Id = string;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

// Randomness is drawn for 512 ids at once: a draw costs as much as making the id, and runs make them by the thousand.
const pool = new Uint8Array(512 * 16);
let drawn = pool.length;
let last = 0;
let sequence = 0;

export function newId(): Id {
  if (drawn === pool.length) {
    randomFillSync(pool);
    drawn = 0;
  }
  const random = pool.subarray(drawn, (drawn += 16));
  const now = Date.now();
  if (now > last) {
    last = now;
    // Half of the range stays free for ids of the same millisecond (RFC 9562 section 6.2, method 1).
    sequence = ((random[6]! << 24) | (random[7]! << 16) | (random[8]! << 8) | random[9]!) & 0x7fffffff;
  } else {
    sequence = (sequence + 1) >>> 0;
  }
  return v7({ msecs: last, seq: sequence, random });
}

/** Whether a text from outside has the form of an id. Upper case is refused: one spelling for one thing. */
export function isId(text: unknown): text is Id {
  return typeof text === 'string' && UUID.test(text);
}

/** The short name that people read out on the phone: `INC-2026-0042`. Past 9,999 the number grows a digit. */
export function reference(prefix: string, year: number, number: number): string {
  return `${prefix}-${year}-${String(number).padStart(4, '0')}`;
}
