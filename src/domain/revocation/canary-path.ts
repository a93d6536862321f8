import type { Id } from '../../kernel/ids.ts';
import type { Db } from '../../platform/database/transactions.ts';
import type { CanariesService, TakenCanary } from './canaries.service.ts';
import type { Connector, ListedVersion, Target } from './connector.ts';
import { findDrillPath, type DrillPath, type DrillRow } from './drills.queries.ts';
import { withFaults, type FaultPlan } from './fault-injection.ts';
import type { MachinePath, Targets, VersionFacts } from './targets.service.ts';

/** Something that a drill may never speak about. Reaching this is a defect of ours, and nothing was sent. */
export class NotACanary extends Error {
  override readonly name = 'NotACanary';
}

/**
 * The way to a supplier in a drill, and the only thing that faults can be injected into. There is one way to have one:
 * `open`, which looks in the database whether the drill runs, and whether its canary is one, at this connection, taken for
 * this drill, and known as nothing else. Its connector refuses whatever is not this very canary, or the control that
 * vouches for it.
 */
export class CanaryPath {
  readonly #path: MachinePath;
  readonly #guarded: Connector;

  /** What this drill had made, and may kill. */
  readonly #own = new WeakSet<Target<unknown>>();
  readonly #label: string | null;
  readonly successor: Target<unknown> | null;

  private constructor(
    path: MachinePath,
    successor: Target<unknown> | null,
    label: string | null,
    faults: FaultPlan,
  ) {
    this.#path = path;
    this.#label = label;
    this.successor = successor;
    if (successor) this.#own.add(successor);
    const faulty = withFaults(
      path.connector,
      { canary: path.target, presented: successor ?? path.target },
      faults,
    );
    this.#guarded = onlyFor(path, this.#own, faulty);
  }

  /** Those of a supplier's list that this drill asked for, by the name that was kept before it asked. */
  leftOver(listed: readonly ListedVersion[]): Target<unknown>[] {
    return listed
      .filter(({ label }) => this.#label !== null && label === this.#label)
      .map(({ supplierId }) => {
        const target = { ...this.#path.target, supplierId, value: null };
        this.#own.add(target);
        return target;
      });
  }

  /** Reads again what it needs, as the world may have moved since the drill began. */
  static async open(
    db: Db,
    drill: DrillRow,
    { targets, canaries }: { targets: Targets; canaries: CanariesService },
    faults: FaultPlan,
  ): Promise<CanaryPath | { problem: string }> {
    const path = await findDrillPath(db, drill.pathId);
    if (!path || drill.canaryId === null || drill.canaryConnectionId === null)
      return { problem: 'the drill has no canary' };
    const [taken] = await db.query<{ id: Id }[]>(
      `SELECT a.id FROM drill d JOIN canary a ON a.id = d.canary_id
        WHERE d.id = $1 AND d.run_id = $2 AND d.ended_at IS NULL AND a.id = $3 AND a.connection_id = $4 AND a.state = 'taken'`,
      [drill.id, drill.runId, drill.canaryId, drill.canaryConnectionId],
    );
    if (!taken) return { problem: 'its canary was not taken for this drill' };
    const canary: TakenCanary = {
      id: drill.canaryId,
      label: drill.canaryLabel ?? '',
      supplierId: drill.canarySupplierId,
      valueRef: drill.canaryValueRef,
    };
    const { path: machine, problems } = await targets.pathTo(
      db,
      canaryAsVersion(path, canary),
      drill.canaryConnectionId,
    );
    if (!machine) return { problem: problems.join('; ') };
    const value = await canaries.value(db, canary);
    const real = await canaries.realCredential(db, drill.canaryConnectionId, {
      value,
      supplierId: canary.supplierId,
    });
    if (real) return { problem: real.message };
    const successor =
      drill.successorId === null
        ? null
        : {
            ...machine.target,
            supplierId: drill.successorSupplierId,
            value: await canaries.value(db, { id: drill.successorId, valueRef: drill.successorValueRef }),
          };
    return new CanaryPath(
      { ...machine, target: { ...machine.target, value } },
      successor,
      drill.successorLabel,
      faults,
    );
  }

  get connector(): Connector {
    return this.#guarded;
  }
  get abilities(): MachinePath['abilities'] {
    return this.#path.abilities;
  }
  /** The canary. */
  get target(): Target<unknown> {
    return this.#path.target;
  }
  get control(): Target<unknown> | null {
    return this.#path.control;
  }
  get pathKey(): string {
    return this.#path.pathKey;
  }
}

/** The connector for one canary: by identity, so that nothing that merely looks like it gets through. */
function onlyFor(
  { target: canary, control }: MachinePath,
  own: WeakSet<Target<unknown>>,
  connector: Connector,
): Connector {
  const mayKill = (target: Target<unknown>): void => {
    if (target !== canary && !own.has(target))
      throw new NotACanary('a drill was asked to act on something that is not its canary');
  };
  const mayLook = (target: Target<unknown>): void => {
    if (target !== control) mayKill(target);
  };
  return {
    key: connector.key,
    title: connector.title,
    settings: connector.settings,
    capabilities: connector.capabilities,
    revocability: (settings, kind) => connector.revocability(settings, kind),
    abilities: (settings, kind) => connector.abilities(settings, kind),
    ...(connector.revoke && {
      revoke: async (target, call) => {
        mayKill(target);
        return connector.revoke!(target, call);
      },
    }),
    ...(connector.probe && {
      probe: async (target, call) => {
        mayLook(target);
        return connector.probe!(target, call);
      },
    }),
    ...(connector.issue && {
      issue: async (target, request, call) => {
        mayKill(target);
        return connector.issue!(target, request, call);
      },
    }),
    ...(connector.listIssued && {
      listIssued: async (target, call) => {
        mayKill(target);
        return connector.listIssued!(target, call);
      },
    }),
    ...(connector.checkOwnAuthentication && {
      checkOwnAuthentication: async (target, call) => {
        mayLook(target);
        return connector.checkOwnAuthentication!(target, call);
      },
    }),
  };
}

/** The canary in the place of a version. Its value is never one of a version's, so none is read for it. */
export function canaryAsVersion(path: DrillPath, canary: TakenCanary | null): VersionFacts {
  return {
    id: canary?.id ?? path.id,
    credentialId: path.credentialId,
    integrationId: path.integrationId,
    label: canary?.label ?? 'a canary',
    kind: path.credentialKind,
    supplierId: canary?.supplierId ?? null,
    expiresAt: null,
    revocability: path.revocability,
    verifierPartyId: path.verifierPartyId,
    contactId: null,
    valueRef: null,
  };
}
