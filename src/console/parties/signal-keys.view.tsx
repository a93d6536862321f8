import type { SubscriptionView } from '../../domain/signals/subscription.schema.ts';
import { Field, PostForm, SelectField } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At } from '../shared/parts.tsx';

export const SIGNING = [
  { value: 'v1', word: 'HMAC, with a shared secret (v1)' },
  { value: 'v1a', word: 'Ed25519, nothing is shared (v1a)' },
];

/** The keys that sign for an endpoint. */
export function Keys({ frame, path, endpoint }: { frame: Frame; path: string; endpoint: SubscriptionView }) {
  const writes = frame.may('signals:write');
  return (
    <section class="card w5" id="keys">
      <h2>Keys</h2>
      <p class="soft small">Each of them signs every message, until it is retired.</p>
      <ul class="plain">
        {endpoint.keys.map((one, at) => (
          <li class="rows tight">
            <p class="line tight">
              {`Key ${at + 1}, ${one.kind === 'v1' ? 'HMAC' : 'Ed25519'}, since `}
              <At at={Date.parse(one.addedAt)} day />
              {one.retiresAt !== null && (
                <span class="soft small">
                  {Date.parse(one.retiresAt) <= frame.now ? 'retired ' : 'until '}
                  <At at={Date.parse(one.retiresAt)} />
                </span>
              )}
            </p>
            {one.publicKey !== null && <p class="mono small">{one.publicKey}</p>}
            {writes && endpoint.keys.length > 1 && (
              <PostForm
                frame={frame}
                action={`${path}/keys/${one.id}/retire`}
                inline
                label={`Retire key ${at + 1}`}
              >
                <button type="submit" class="plain small">
                  Retire it now
                </button>
              </PostForm>
            )}
          </li>
        ))}
      </ul>
      {writes && (
        <PostForm frame={frame} action={`${path}/keys`} label="Rotate the key">
          <div class="pair">
            <SelectField name="signing" label="New key" options={SIGNING} value="v1" />
            <Field name="overlapHours" label="Hours that both sign" type="number" value="24" />
          </div>
          <p class="actions">
            <button type="submit">Rotate the key</button>
          </p>
        </PostForm>
      )}
    </section>
  );
}
