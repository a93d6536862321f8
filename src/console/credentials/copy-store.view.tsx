import type { StorePlace } from '../../domain/revocation/store-places.queries.ts';
import type { ShownLook } from '../incidents/answer.queries.ts';
import type { CopyToMove } from '../inventory/new.queries.ts';
import { Field, FormError, PostForm, SelectField, type Option } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At, Empty, Facts } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { RefusedForm } from './copy-found.ts';
import { CopyLayout } from './copy-layout.tsx';

export function CopyStoreView({
  frame,
  copy,
  store,
  obstacle,
  stores,
  looks,
  refused,
}: {
  frame: Frame;
  copy: CopyToMove;
  /** undefined: it is no entry of a store. */
  store: StorePlace | undefined;
  /** Why no machine can write there; empty: it can, as far as shows; null: it is no entry of a store in use. */
  obstacle: string | null;
  stores: readonly Option[];
  looks: readonly ShownLook[];
  refused?: RefusedForm;
}) {
  const action = `/credentials/${copy.reference}/locations/${copy.id}/store`;
  const { typed = {}, problems = {} } = refused ?? {};
  const field = (name: 'connectionId' | 'entry' | 'field') => ({
    name,
    value: typed[name] ?? store?.[name] ?? '',
    problem: problems[name],
  });
  return (
    <CopyLayout
      title={`Store of ${copy.name}`}
      lead="Where a copy is an entry of a store that a machine can speak to, rotations write the new version there, and the store is asked what it holds. Values are compared by fingerprints, and never shown."
      {...{ frame, copy, looks }}
    >
      <div class="w7 rows">
        <section class="card">
          <h2>Where it lies</h2>
          {store ? (
            <Facts
              facts={[
                ['store', `${store.connection} (${store.presetKey})`],
                ['entry', <span class="mono">{store.entry}</span>],
                ['field', store.field === null ? 'the whole entry' : <span class="mono">{store.field}</span>],
                ['by machine', <Writes store={store} obstacle={obstacle} />],
                [
                  'set',
                  <>
                    <At at={store.setAt} />
                    {` by ${store.setBy}`}
                  </>,
                ],
              ]}
            />
          ) : (
            <Empty>No store is set: people put new versions there, and say so.</Empty>
          )}
          {store && frame.may('copies:report') && (
            <PostForm frame={frame} action={`${action}/look`} inline label="Look at it">
              <p class="actions">
                <button type="submit">Look at it now</button>
              </p>
            </PostForm>
          )}
        </section>
        {frame.may('connections:write') && (
          <section class="card">
            <h2>{store ? 'Change it' : 'Set it'}</h2>
            {stores.length === 0 ? (
              <Empty>
                No connection speaks to a store: import one of the preset vault-kv-copy or aws-secret-copy.
              </Empty>
            ) : (
              <PostForm frame={frame} action={action} label="Where it lies">
                <FormError problems={problems} />
                <SelectField {...field('connectionId')} label="Store" none="Choose" options={stores} />
                <Field
                  {...field('entry')}
                  label="Entry"
                  hint="The path in the KV engine without its mount, or the name of the secret."
                  required
                  maxLength={500}
                />
                <Field
                  {...field('field')}
                  label="Field"
                  hint="Within the entry. Vault needs one; in Secrets Manager, empty is the whole secret."
                  maxLength={200}
                />
                <p class="line">
                  <button type="submit">Save</button>
                </p>
              </PostForm>
            )}
            {store && (
              <PostForm frame={frame} action={`${action}/remove`} inline label="Remove the store">
                <button type="submit" class="plain">
                  It is no entry of a store
                </button>
              </PostForm>
            )}
          </section>
        )}
      </div>
    </CopyLayout>
  );
}

function Writes({ store, obstacle }: { store: StorePlace; obstacle: string | null }) {
  const no = store.retired ? 'its connection is out of use' : obstacle;
  return no ? (
    <div>
      <Chip tone="live">no</Chip> {no}
    </div>
  ) : (
    <div>
      <Chip tone="dead">yes</Chip> when the credential is rotated
    </div>
  );
}
