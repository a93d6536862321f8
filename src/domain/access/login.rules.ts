import { MINUTE, SECOND, type Millis } from '../../kernel/time.ts';

const FREE = 5;

/** How long an address must wait after so many failures in a row: nothing for the first few, then doubling to 15 minutes. */
export function loginWait(failures: number): Millis {
  return failures < FREE ? 0 : Math.min(15 * MINUTE, 30 * SECOND * 2 ** (failures - FREE));
}
