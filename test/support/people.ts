import { AccessService } from '../../src/domain/access/access.service.ts';
import { system, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { HOUR } from '../../src/kernel/time.ts';
import type { TestApp } from './app.ts';
import { person } from './matrix-scene.ts';
import { caller } from './portfolio.ts';

/** A named person with an account, calling the API with a token of it. */
export async function personCalling(world: TestApp, name: string, role: Role) {
  const who = await person(world, name, role);
  const made = await world.app
    .get(AccessService)
    .createToken(
      { name, role, partyId: null, userId: who.id, expiresAt: world.clock.now() + 1000 * HOUR },
      system('test', 'people'),
    );
  const token = expectOk(made).value.use((value) => value);
  return { who, call: caller(world, token) };
}
