/** Stands for `@jest/globals`: one instance a test file. */
import { offeredTo } from './offered.mjs';

export const { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, jest, test } = offeredTo(
  new URL(import.meta.url).searchParams.get('file'),
);
