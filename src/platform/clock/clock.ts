import type { Millis } from '../../kernel/time.ts';

/**
 * The only source of "now". Business SQL takes it as a parameter; leases alone use the database's clock. Tests put a
 * clock of their own here and move it.
 */
export abstract class Clock {
  abstract now(): Millis;

  date(): Date {
    return new Date(this.now());
  }
}

export class SystemClock extends Clock {
  override now(): Millis {
    return Date.now();
  }
}
