import type { Capability, Store, StoreAccess } from '../../platform/vault/store.ts';
import type { Frame } from '../shared/frame.ts';
import { At, DataTable } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { StoreUse } from './settings.queries.ts';
import { Setting } from './settings.view.tsx';

/** Where secrets are kept, and what each store can do. */
export function StoresView({
  frame,
  stores,
  uses,
  accesses,
}: {
  frame: Frame;
  stores: readonly Pick<Store, 'key' | 'title' | 'capabilities'>[];
  uses: readonly StoreUse[];
  /** In the order of the stores. */
  accesses: readonly StoreAccessSeen[];
}) {
  const [chosen] = stores;
  const useOf = (key: string) => uses.find((one) => one.store === key);
  const unknown = uses.filter((use) => use.values > 0 && !stores.some((one) => one.key === use.store));
  return (
    <Setting
      frame={frame}
      title="Stores"
      lead="Where secrets are kept. The installation chooses where new ones go; the others are read as long as they are set up."
    >
      <DataTable
        caption="Stores"
        columns={[
          { title: 'Store' },
          { title: 'Secrets', numeric: true },
          { title: 'Versions' },
          { title: 'Audit of reads' },
          { title: 'Policy by secret' },
          { title: 'Rotation hooks' },
        ]}
        rows={stores.map((store, at) => {
          const use = useOf(store.key);
          const { versioning, retrievalAudit, granularPolicy, rotationHooks } = store.capabilities;
          return [
            <div>
              <b>{store.title}</b> {store === chosen && <Chip tone="info">new secrets go here</Chip>}
              {!store.capabilities.writable && <Chip tone="calm">read only</Chip>}
              <Access seen={accesses[at] ?? null} />
              {use?.problem && <div class="soft small">{`Last try: ${use.problem}`}</div>}
            </div>,
            store.capabilities.writable ? (
              <div>
                {use?.values ?? 0}
                {use !== undefined && use.waiting > 0 && (
                  <div>
                    <Chip tone="wait">{`${use.waiting} on the way`}</Chip>
                  </div>
                )}
              </div>
            ) : (
              <span class="soft">–</span>
            ),
            <Can capability={versioning} />,
            <Can capability={retrievalAudit} />,
            <Can capability={granularPolicy} />,
            <Can capability={rotationHooks} />,
          ];
        })}
      />
      {unknown.map((use) => (
        <p>
          <Chip tone="live">not set up</Chip>{' '}
          {`${use.values} secrets are kept in ${use.store}, which is not set up: they cannot be read.`}
        </p>
      ))}
    </Setting>
  );
}

/** null: it does not end by itself, or nobody can say. */
export type StoreAccessSeen = StoreAccess | { problem: string } | null;

function Access({ seen }: { seen: StoreAccessSeen }) {
  if (seen === null) return null;
  if ('problem' in seen)
    return (
      <div class="small">
        <Chip tone="live">our own token</Chip> {`could not be looked at: ${seen.problem}`}
      </div>
    );
  if (seen.endsAt === null) return <div class="soft small">Our own token does not end by itself.</div>;
  return (
    <div class="small">
      Our own token ends <At at={seen.endsAt} />.{' '}
      {seen.renewable ? (
        <span class="soft">It is prolonged before that.</span>
      ) : (
        <Chip tone="wait">cannot be prolonged</Chip>
      )}
    </div>
  );
}

function Can({ capability }: { capability: Capability }) {
  return (
    <div>
      <Chip tone={capability.has ? 'dead' : 'calm'}>{capability.has ? 'yes' : 'no'}</Chip>
      <div class="soft small">{capability.how}</div>
    </div>
  );
}
