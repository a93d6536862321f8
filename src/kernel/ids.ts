import { v7 } from 'uuid';

/** A UUIDv7 (RFC 9562 section 5.7): unique, and sorted by the time of its making. */
export type Id = string;

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/;

export function newId(): Id {
  return v7();
}

/** Whether a text from outside has the form of an id. Upper case is refused: one spelling for one thing. */
export function isId(text: unknown): text is Id {
  return typeof text === 'string' && UUID.test(text);
}

/** The short name that people read out on the phone: `INC-2026-0042`. Past 9,999 the number grows a digit. */
export function reference(prefix: string, year: number, number: number): string {
  return `${prefix}-${year}-${String(number).padStart(4, '0')}`;
}
