import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';

export interface SupplierStats {
  /** Most calls at once. */
  most: number;
  calls: number;
}

export type ToSuppliers =
  | { kind: 'start'; many: number; latency: number; own: string }
  | { kind: 'limp'; slow: number; dead: number; latency: number }
  | { kind: 'stats' };
export type FromSuppliers =
  | { kind: 'hosts'; hosts: string[] }
  | { kind: 'done' }
  | { kind: 'stats'; stats: SupplierStats[]; cpu: number };

/** Suppliers in a process of their own. */
export class Suppliers {
  private constructor(
    private readonly child: ChildProcess,
    readonly hosts: readonly string[],
  ) {}

  /** @param own  the authentication that each accepts */
  static async start(many: number, latency: number, own: string): Promise<Suppliers> {
    const child = fork(new URL(import.meta.url.replace('suppliers', 'supplier-child')));
    const { hosts } = await ask(child, 'hosts', { kind: 'start', many, latency, own });
    return new Suppliers(child, hosts);
  }

  async limp(slow: number, dead: number, latency: number): Promise<void> {
    await ask(this.child, 'done', { kind: 'limp', slow, dead, latency });
  }

  /** What was asked of each since the last question; `cpu`: milliseconds that their process has used since it began. */
  stats(): Promise<{ stats: SupplierStats[]; cpu: number }> {
    return ask(this.child, 'stats', { kind: 'stats' });
  }

  stop(): void {
    if (this.child.connected) this.child.disconnect();
  }
}

async function ask<K extends FromSuppliers['kind']>(
  child: ChildProcess,
  kind: K,
  asked: ToSuppliers,
): Promise<Extract<FromSuppliers, { kind: K }>> {
  child.send(asked);
  const [answer] = (await once(child, 'message')) as [FromSuppliers];
  if (answer.kind !== kind) throw new Error(`the suppliers answered ${answer.kind} to ${asked.kind}`);
  return answer as Extract<FromSuppliers, { kind: K }>;
}
