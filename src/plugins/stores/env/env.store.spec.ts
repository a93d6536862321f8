import { expect, test } from '@jest/globals';
import { EnvStore, envRef } from './env.store.ts';

const store = new EnvStore(
  (name) => ({ COUNTERSIGN_SECRET_GITHUB: 'ghs_value', DATABASE_URL: 'postgres://x' })[name],
);

test('reads a variable for whom it was referred to, and for nobody else', async () => {
  const ref = envRef('COUNTERSIGN_SECRET_GITHUB', 'connection:1:token');
  expect((await store.get(ref, 'connection:1:token')).use((value) => value)).toBe('ghs_value');
  await expect(store.get(ref, 'connection:2:token')).rejects.toThrow('belongs to something else');
  await expect(store.get(envRef('COUNTERSIGN_SECRET_GONE', 'x'), 'x')).rejects.toThrow(
    'COUNTERSIGN_SECRET_GONE is not set',
  );
});

test('names no variable outside its prefix', async () => {
  expect(() => envRef('DATABASE_URL', 'x')).toThrow(RangeError);
  await expect(
    store.get(envRef('COUNTERSIGN_SECRET_A', 'x').replace('COUNTERSIGN_SECRET_A', 'DATABASE_URL'), 'x'),
  ).rejects.toThrow('not one of the env store');
});

test('is read-only', async () => {
  await expect(store.put()).rejects.toThrow('read-only');
  await expect(store.destroy()).rejects.toThrow('read-only');
});
