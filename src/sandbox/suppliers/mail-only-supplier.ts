import { randomText, sha256 } from '../ground/sealing.ts';
import type { Sealing } from '../ground/sealing.ts';
import { CredentialBook, bookedCredential } from './credential-book.ts';
import type { Issued, IssueOrder, Supplier } from './supplier.ts';

/**
 * A supplier without an API: its people read mail, and change a password when they get to it. Nothing of it can be
 * probed from outside, so nothing it says is a proof. What is really so stands in its book.
 */
export class MailOnlySupplier implements Supplier {
  readonly asked = 'mail';

  private constructor(
    readonly key: string,
    readonly title: string,
    readonly book: CredentialBook,
  ) {}

  static async open(o: {
    dir: string;
    key: string;
    title: string;
    sealing: Sealing;
  }): Promise<MailOnlySupplier> {
    return new MailOnlySupplier(o.key, o.title, await CredentialBook.open(o.dir, o.key, o.sealing));
  }

  place(): null {
    return null;
  }

  async issue(order: IssueOrder): Promise<Issued[]> {
    const issued = Array.from({ length: order.count }, (_, i) => {
      const value = `HF-${randomText(28)}`;
      const label = order.count > 1 ? `${order.label} ${i + 1}`.trim() : order.label;
      const credential = bookedCredential({ ...order, value, label, expiresAt: expiry(order) });
      return { credential, value };
    });
    await this.book.add(issued.map((entry) => entry.credential));
    return issued.map(({ credential, value }) => ({
      supplier: this.key,
      account: credential.account,
      id: credential.id,
      value,
      sha256: sha256(value),
      label: credential.label,
    }));
  }

  setState(ids: string[], state: 'live' | 'revoked'): Promise<number> {
    return this.book.setState(ids, state);
  }

  async access(): Promise<Record<string, string>> {
    return {};
  }

  close(): Promise<void> {
    return this.book.close();
  }
}

export const expiry = (order: IssueOrder): number | null =>
  order.expiresInSeconds === undefined ? null : Date.now() + order.expiresInSeconds * 1000;
