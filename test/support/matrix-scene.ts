import { AccessService } from '../../src/domain/access/access.service.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { system, type Principal, type Role } from '../../src/kernel/principal.ts';
import { expectOk } from '../../src/kernel/result.ts';
import { Transactions, type Db } from '../../src/platform/database/transactions.ts';
import type { TestApp } from './app.ts';

const by = system('test', 'matrix-scene');

export interface MatrixScene {
  integration: Id;
  reference: string;
  aurora: Id;
  northwind: Id;
  fjord: Id;
  ann: Id;
  nora: Id;
  piet: Id;
  credential: Id;
}

/** Aurora runs the installation and buys from Northwind, which hosts at Fjord: one integration with one credential. */
export async function matrixScene(world: TestApp, number = 1): Promise<MatrixScene> {
  const ids = {
    integration: newId(),
    reference: `INT-2026-${String(7000 + number)}`,
    aurora: newId(),
    northwind: newId(),
    fjord: newId(),
    ann: newId(),
    nora: newId(),
    piet: newId(),
    credential: newId(),
  };
  const now = world.clock.date();
  await world.app.get(Transactions).run(by, async (db) => {
    const [operator] = await db.query<{ id: Id }[]>('SELECT id FROM party WHERE is_operator');
    if (operator) ids.aurora = operator.id;
    const [known] = await db.query<{ id: Id }[]>('SELECT id FROM contact WHERE party_id = $1', [ids.aurora]);
    if (known) ids.ann = known.id;
    for (const [id, name] of [
      [ids.aurora, 'Aurora Pay'],
      [ids.northwind, `Northwind Cloud ${number}`],
      [ids.fjord, `Fjord Hosting ${number}`],
    ] as const)
      await db.query(
        `INSERT INTO party (id, reference, name, is_operator, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5) ON CONFLICT (id) DO NOTHING`,
        [id, `PTY-2026-${id.slice(-8)}`, name, id === ids.aurora, now],
      );
    for (const [id, party, name, role] of [
      [ids.ann, ids.aurora, 'Ann Meyer', 'security'],
      [ids.nora, ids.northwind, 'Nora Visser', 'contract'],
      [ids.piet, ids.northwind, 'Piet de Boer', 'on_call'],
    ] as const)
      await db.query(
        `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6) ON CONFLICT (id) DO NOTHING`,
        [id, party, name, role, `${name.split(' ')[0]!.toLowerCase()}${number}@example.test`, now],
      );
    await db.query(
      `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`,
      [ids.integration, ids.reference, `Billing export ${number}`, now],
    );
    await member(db, ids.integration, ids.aurora, 'customer');
    await member(db, ids.integration, ids.northwind, 'supplier');
    await member(db, ids.integration, ids.fjord, 'sub_processor');
    await db.query(
      `INSERT INTO credential (id, reference, integration_id, name, kind, issuer_party_id, verifier_party_id, created_at, updated_at)
       VALUES ($1, $2, $3, 'Ledger key', 'api_key', $4, $4, $5, $5)`,
      [ids.credential, `CRD-2026-${7000 + number}`, ids.integration, ids.northwind, now],
    );
    await db.query(
      `INSERT INTO credential_use (credential_id, integration_id, label, since) VALUES ($1, $2, 'Ledger key', $3)`,
      [ids.credential, ids.integration, now],
    );
  });
  return ids;
}

export async function member(db: Db, integrationId: Id, partyId: Id, role: string): Promise<void> {
  await db.query(
    `INSERT INTO integration_party (integration_id, party_id, party_name, role) SELECT $1, id, name, $3 FROM party WHERE id = $2`,
    [integrationId, partyId, role],
  );
}

/** Somebody with an account, as the door would let them in. */
export async function person(
  world: TestApp,
  name: string,
  role: Role,
  partyId: Id | null = null,
): Promise<Principal & { personId: Id }> {
  const email = `${name.toLowerCase()}-${newId().slice(-6)}@example.test`;
  const made = expectOk(
    await world.app.get(AccessService).createUser({ email, name, roles: [role], partyId }, by),
  );
  return {
    kind: 'user',
    id: made.userId,
    personId: made.personId,
    roles: [role],
    partyId,
    correlationId: 'matrix-scene',
  };
}
