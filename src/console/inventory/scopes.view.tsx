import { Field, PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { At, Empty } from '../shared/parts.tsx';
import { Chip } from '../shared/states.tsx';
import type { StoredScope, StoredScopes } from './edits.queries.ts';

export interface ScopeFields {
  name: string;
  description: string;
  justification: string;
}

interface Model {
  frame: Frame;
  stored: Omit<StoredScopes, 'scopes'> & { scopes: readonly (StoredScope & { sensitive: boolean })[] };
  /** As stored, or as somebody typed them. */
  rows: readonly ScopeFields[];
  problem: string | undefined;
}

/** Rows that are offered beside those that are filled in. */
const SPARE = 3;

export function ScopesView({ frame, stored, rows, problem }: Model) {
  const path = `/credentials/${stored.reference}`;
  const writes = frame.may('portfolio:write') && !stored.retired;
  const spare = Array.from({ length: SPARE }, () => ({ name: '', description: '', justification: '' }));
  const filled = rows.filter(({ name, description, justification }) => name || description || justification);
  return (
    <Page
      title={`Scopes of ${stored.name}`}
      frame={frame}
      crumbs={[
        { title: 'Inventory', path: '/inventory' },
        { title: stored.name, path },
      ]}
    >
      <p class="ref">{stored.reference}</p>
      <h1>What it may do</h1>
      <p class="lead">
        Scope by scope, and what each is needed for. A scope that was not there when the matrix was signed has
        to be signed anew.
      </p>
      {problem && (
        <p class="notice live" role="alert">
          {problem}
        </p>
      )}
      <div class="grid">
        {writes && (
          <section class="card w7">
            <h2>Scopes</h2>
            <PostForm frame={frame} action={`${path}/scopes`} label="Scopes">
              <input type="hidden" name="rowVersion" value={stored.rowVersion} />
              {[...filled, ...spare].map((row, at) => (
                <fieldset class="rows tight">
                  <legend>{row.name || 'Another scope'}</legend>
                  <div class="pair">
                    <Field name={`name-${at}`} label="Scope" value={row.name} maxLength={500} />
                    <Field
                      name={`description-${at}`}
                      label="In words"
                      value={row.description}
                      maxLength={2000}
                    />
                  </div>
                  <Field
                    name={`justification-${at}`}
                    label="What it is needed for"
                    value={row.justification}
                    maxLength={2000}
                  />
                </fieldset>
              ))}
              <p class="soft small">A scope whose fields are emptied is taken off. Save for more rows.</p>
              <p class="actions">
                <button type="submit">Save</button>
                <a class="button plain" href={path}>
                  Leave it
                </a>
              </p>
            </PostForm>
          </section>
        )}
        <section class={`card ${writes ? 'w5' : 'w12'}`} id="consent">
          <h2>Consent</h2>
          <p class="soft small">
            What the policy calls sensitive is used by the explicit consent of a person who answers for it.
          </p>
          {stored.scopes.length === 0 ? (
            <Empty>No scope is written down.</Empty>
          ) : (
            <ul class="plain">
              {stored.scopes.map((scope, at) => (
                <li class="rows tight">
                  <Consent frame={frame} path={path} scope={scope} at={at} />
                </li>
              ))}
            </ul>
          )}
        </section>
      </div>
    </Page>
  );
}

function Consent({
  frame,
  path,
  scope,
  at,
}: {
  frame: Frame;
  path: string;
  scope: Model['stored']['scopes'][number];
  at: number;
}) {
  const decides = frame.may('approvals:decide');
  return (
    <>
      <p class="line tight">
        <span class="mono">{scope.name}</span>
        {scope.sensitive && <Chip tone={scope.consent ? 'info' : 'live'}>sensitive</Chip>}
        {scope.consent && <Chip tone="dead">consented</Chip>}
      </p>
      {scope.consent && (
        <p class="small">
          {scope.consent.by}, <At at={scope.consent.at} day />: {scope.consent.statement}
        </p>
      )}
      {scope.consent && decides && (
        <PostForm
          frame={frame}
          action={`${path}/scopes/withdraw`}
          inline
          label={`Withdraw the consent to ${scope.name}`}
        >
          <input type="hidden" name="scope" value={scope.name} />
          <button type="submit" class="plain small">
            Withdraw the consent
          </button>
        </PostForm>
      )}
      {scope.sensitive && !scope.consent && decides && (
        <PostForm frame={frame} action={`${path}/scopes/consent`} label={`Consent to ${scope.name}`}>
          <input type="hidden" name="scope" value={scope.name} />
          <Field
            name="statement"
            label="Why you consent, with your name"
            required
            maxLength={2000}
            idPrefix={`consent-${at}-`}
          />
          <p class="actions">
            <button type="submit" class="plain">
              I consent
            </button>
          </p>
        </PostForm>
      )}
    </>
  );
}
