import { newId, type Id } from '../../src/kernel/ids.ts';

export interface Customer {
  party: Id;
  integration: Id;
  /** Of its contact for contracts. */
  mail: string;
}

/** Aurora, which runs the installation, and those whom it supplies. */
export class OfferingParties {
  #aurora: Promise<Id> | undefined;
  #customers = 0;

  /** @param put runs a statement with the rights of whoever may write everything */
  constructor(
    private readonly put: (sql: string, parameters: unknown[]) => Promise<unknown>,
    private readonly at: () => Date,
  ) {}

  /** A party with a contact for each of some roles. @param mail begins their addresses */
  async party(name: string, mail = '', roles: readonly string[] = [], operator = false): Promise<Id> {
    const id = newId();
    await this.put(
      `INSERT INTO party (id, reference, name, is_operator, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $5)`,
      [id, `PTY-2026-${id.slice(-8)}`, name, operator, this.at()],
    );
    for (const role of roles) await this.contact(id, `${mail}-${role}`, role);
    return id;
  }

  async contact(partyId: Id, name: string, role: string): Promise<void> {
    await this.put(
      `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) VALUES ($1, $2, $3, $4, $5, $6, $6)`,
      [newId(), partyId, name, role, `${name}@example.test`, this.at()],
    );
  }

  /** A customer whom Aurora supplies. @param roles of the contacts that it has */
  async customer(
    roles: readonly string[] = ['security', 'contract'],
    name = `Customer ${this.#customers + 1}`,
    integrationName = `Payments for ${this.#customers + 1}`,
  ): Promise<Customer> {
    const number = ++this.#customers;
    const party = await this.party(name, `cust${number}`, roles);
    const integration = newId();
    await this.put(
      `INSERT INTO integration (id, reference, name, created_at, updated_at) VALUES ($1, $2, $3, $4, $4)`,
      [integration, `INT-2026-${8000 + number}`, integrationName, this.at()],
    );
    for (const [partyId, role] of [
      [await this.operator(), 'supplier'],
      [party, 'customer'],
    ] as const)
      await this.put(
        `INSERT INTO integration_party (integration_id, party_id, party_name, role) SELECT $1, id, name, $3 FROM party WHERE id = $2`,
        [integration, partyId, role],
      );
    return { party, integration, mail: `cust${number}-contract@example.test` };
  }

  /** Reachable in every role that a term may name. */
  operator(): Promise<Id> {
    return (this.#aurora ??= this.party('Aurora Pay', 'ann', ['security', 'contract', 'on_call'], true));
  }
}
