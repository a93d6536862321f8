import { timingSafeEqual } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import type { Principal } from '../../kernel/principal.ts';
import type { Secret } from '../../kernel/secret.ts';
import type { Db } from '../../platform/database/transactions.ts';
import { ConnectionsService } from '../revocation/connections.service.ts';
import { Targets } from '../revocation/targets.service.ts';
import type { RotationRow } from './rotation-records.service.ts';

/**
 * Where a connection authenticates with the very credential that is rotated, or has it for its control (a webhook secret, a
 * certificate, a key that manages itself), the connection follows the rotation: with the old version it would be locked out
 * as soon as that one ends, and nobody could prove anything any more.
 */
@Injectable()
export class InUse {
  constructor(
    private readonly targets: Targets,
    private readonly connections: ConnectionsService,
  ) {}

  /** @param which the version that is in use from now on. Nothing changes where either value is kept elsewhere. */
  async follow(db: Db, row: RotationRow, which: 'old' | 'new', by: Principal): Promise<void> {
    if (row.newVersionId === null) return;
    const [to, from] =
      which === 'new' ? [row.newVersionId, row.oldVersionId] : [row.oldVersionId, row.newVersionId];
    const [next, last] = [await this.targets.load(db, to), await this.targets.load(db, from)];
    if (!next || !last) return;
    for (const { connectionId } of last.ways) {
      if (connectionId === null) continue;
      const { path: were } = await this.targets.pathTo(db, last.version, connectionId);
      const { path: are } = await this.targets.pathTo(db, next.version, connectionId);
      const [old, value] = [were?.target.value, are?.target.value];
      if (!were || !are || !old || !value) continue;
      const names = Object.entries(were.target.auth).filter(([, secret]) => same(secret, old));
      const auth = Object.fromEntries(names.map(([name]) => [name, value]));
      if (names.length > 0) await this.connections.renewAuthentication(db, connectionId, auth, by);
      if (were.control?.value && same(were.control.value, old)) {
        const { supplierId } = are.target;
        await this.connections.renewControl(db, connectionId, { value, supplierId }, by);
      }
    }
  }
}

function same(one: Secret, other: Secret): boolean {
  return one.useBytes((a) => other.useBytes((b) => a.length === b.length && timingSafeEqual(a, b)));
}
