import type { Id } from '../../kernel/ids.ts';
import type { KeyLine } from '../../domain/responsibility/signing-keys.service.ts';
import { Field, FormError, PostForm, SelectField, type FormProblems } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';

export function SigningKeysView({
  frame,
  keys,
  contacts,
  typed,
  problems,
}: {
  frame: Frame;
  keys: readonly KeyLine[];
  contacts: readonly { id: Id; name: string; partyName: string }[];
  typed: Readonly<Record<string, string>>;
  problems: FormProblems;
}) {
  const writes = frame.may('matrices:write');
  return (
    <Page title="Signing keys" frame={frame} crumbs={[{ title: 'Matrices', path: '/matrices' }]}>
      <h1>Signing keys</h1>
      <p class="lead">
        A contact who signs elsewhere does so with a key that was registered here before the version was
        proposed. Its signature is as strong as there is, so only its own party registers one for it.
      </p>
      <div class="grid">
        <section class={`card ${writes ? 'w8' : 'w12'}`}>
          <h2>Keys</h2>
          {keys.length === 0 ? (
            <Empty>No key is registered.</Empty>
          ) : (
            <DataTable
              caption="Signing keys"
              columns={[
                { title: 'Contact' },
                { title: 'Fingerprint (SHA-256)' },
                { title: 'State' },
                { title: 'Signatures', numeric: true },
                ...(writes ? [{ title: '' }] : []),
              ]}
              rows={keys.map((key) => [
                <div>
                  <b>{key.contactName}</b>
                  <div class="soft small">{key.partyName}</div>
                </div>,
                <span class="mono">{key.fingerprint.replaceAll(/(.{8})(?=.)/g, '$1 ')}</span>,
                key.revokedAt === null ? (
                  <div class="rows tight">
                    <span>
                      {key.counts ? <Chip tone="dead">in use</Chip> : <Chip tone="wait">not confirmed</Chip>}
                    </span>
                    <span class="soft small">
                      since <At at={Date.parse(key.registeredAt)} day />
                      {!key.counts &&
                        ': somebody else registered it, and it counts once its own party registers it, too'}
                    </span>
                  </div>
                ) : (
                  <div class="rows tight">
                    <span>
                      <Chip tone="calm">retired</Chip>
                    </span>
                    <span class="soft small">
                      <At at={Date.parse(key.revokedAt)} day />
                    </span>
                  </div>
                ),
                key.signatures,
                ...(writes
                  ? [
                      key.revokedAt === null ? (
                        <PostForm
                          frame={frame}
                          action={`/signing-keys/${key.id}/retire`}
                          inline
                          label={`Retire the key of ${key.contactName}`}
                        >
                          <button class="plain small nowrap" type="submit">
                            Retire
                          </button>
                        </PostForm>
                      ) : (
                        ''
                      ),
                    ]
                  : []),
              ])}
            />
          )}
        </section>
        {writes && (
          <section class="card w4">
            <h2>Register a key</h2>
            <PostForm frame={frame} action="/signing-keys" label="Register a key">
              <FormError problems={problems} />
              <SelectField
                name="contact"
                label="Whose"
                options={contacts.map(({ id, name, partyName }) => ({
                  value: id,
                  word: name,
                  group: partyName,
                }))}
                none="Choose a contact"
                value={typed['contact']}
                problem={problems['contact']}
              />
              <Field
                name="publicKey"
                label="Public key"
                hint="Ed25519: what openssl pkey -pubout prints, or the line of an OpenSSH .pub file. Never the private key."
                type="area"
                rows={5}
                required
                maxLength={2000}
                problem={problems['publicKey']}
              />
              <p class="actions">
                <button type="submit">Register</button>
              </p>
            </PostForm>
          </section>
        )}
      </div>
    </Page>
  );
}
