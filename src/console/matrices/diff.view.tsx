import type { Id } from '../../kernel/ids.ts';
import type { MatrixRowView } from '../../domain/responsibility/matrix.schema.ts';
import { windowWords } from '../../domain/responsibility/matrix-text.rules.ts';
import type { MatrixDiff } from '../../domain/responsibility/matrix-views.queries.ts';
import { DUTIES } from '../../domain/responsibility/matrix.rules.ts';
import type { Frame } from '../shared/frame.ts';
import { Page } from '../shared/layout.tsx';
import { PaperFoot } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { Changes } from './changes.tsx';
import { rowKey } from './matrix-table.tsx';

/** Two versions side by side, duty by duty; what is material is marked in words. */
export function DiffView({
  frame,
  diff,
  head,
  credentials,
}: {
  frame: Frame;
  diff: MatrixDiff;
  head: { reference: string; name: string };
  credentials: readonly { id: Id; name: string }[];
}) {
  const { before, after, changes } = diff;
  const material = new Set(changes.filter(({ duty }) => duty !== null).map(rowKey));
  const labels = new Map(credentials.map(({ id, name }) => [id, name]));
  const keys = [...new Set([...before.rows, ...after.rows].map(rowKey))].sort(byDuty);
  return (
    <Page
      title={`Versions ${before.number} and ${after.number}: ${head.name}`}
      frame={frame}
      crumbs={[
        { title: 'Matrices', path: '/matrices' },
        { title: head.name, path: `/integrations/${head.reference}` },
        { title: 'Matrix', path: `/integrations/${head.reference}/matrix` },
      ]}
    >
      <p class="ref">{head.reference}</p>
      <h1>
        {head.name}: version {before.number} and version {after.number}
      </h1>
      <section class="card">
        <h2>What changed materially</h2>
        {changes.length === 0 ? (
          <p class="soft">Nothing: signatures under the one cover the other.</p>
        ) : (
          <Changes changes={changes} before={`version ${before.number}`} after={`version ${after.number}`} />
        )}
      </section>
      <section class="card diff">
        <h2>Side by side</h2>
        <table class="stack matrix duties">
          <caption class="skip">Both versions, row by row</caption>
          <thead>
            <tr>
              <th scope="col">Duty</th>
              <th scope="col">Version {before.number}</th>
              <th scope="col">Version {after.number}</th>
            </tr>
          </thead>
          <tbody>
            {keys.map((key) => {
              const was = before.rows.find((row) => rowKey(row) === key);
              const is = after.rows.find((row) => rowKey(row) === key);
              const row = (is ?? was)!;
              return (
                <tr class={material.has(key) ? 'changed' : undefined}>
                  <th scope="row">
                    {words(row.duty)}
                    {row.part && <div class="soft small">part: {row.part}</div>}
                    {row.credentialId && (
                      <div class="soft small">
                        only for {labels.get(row.credentialId) ?? 'one credential'}
                      </div>
                    )}
                    {material.has(key) && <Chip tone="wait">changed</Chip>}
                  </th>
                  <td data-label={`Version ${before.number}`}>
                    <Side row={was} />
                  </td>
                  <td data-label={`Version ${after.number}`}>
                    <Side row={is} />
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </section>
      <PaperFoot reference={head.reference} version={after} />
    </Page>
  );
}

function Side({ row }: { row: MatrixRowView | undefined }) {
  if (!row) return <span class="soft">no such row</span>;
  return (
    <div>
      <b>{row.accountable.name ?? 'another party'}</b> answers
      <div class="small">
        performing: {row.performing.map(({ name }) => name ?? 'another party').join(', ')}
      </div>
      {row.windowMinutes && <div class="small">within {windowWords(row.windowMinutes)}</div>}
      {row.pathKind && (
        <div class="small">{row.pathKind === 'connector' ? 'by machine' : 'by asking a contact'}</div>
      )}
    </div>
  );
}

function byDuty(a: string, b: string): number {
  const place = (key: string) => DUTIES.findIndex((duty) => duty === key.split('/', 1)[0]);
  return place(a) - place(b) || (a < b ? -1 : 1);
}
