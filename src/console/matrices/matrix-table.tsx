import type { MatrixRowView } from '../../domain/responsibility/matrix.schema.ts';
import { windowWords } from '../../domain/responsibility/matrix-text.rules.ts';
import { DUTIES, type Duty } from '../../domain/responsibility/matrix.rules.ts';
import { addressOf } from '../shared/paging.tsx';
import { Chip, words } from '../shared/states.tsx';

/** Duties in their order with who answers, who performs, within what and whom to ask. A gap is red, and says so. */
export function MatrixTable({
  rows,
  credentials,
  edit,
  changed = new Set(),
}: {
  rows: readonly MatrixRowView[];
  credentials: ReadonlyMap<string, string>;
  /** Where a row is edited; absent: it is only read. */
  edit?: string;
  /** Rows that nobody has signed as they are. */
  changed?: ReadonlySet<string>;
}) {
  return (
    <div class="scroll" tabIndex={0} role="region" aria-label="Responsibility matrix">
      <table class="stack matrix duties">
        <caption class="skip">
          Who is accountable for each duty, who performs it, and within what time
        </caption>
        <thead>
          <tr>
            <th scope="col">Duty</th>
            <th scope="col">Accountable</th>
            <th scope="col">Performing</th>
            <th scope="col">Within</th>
            <th scope="col">Contact</th>
            {edit && (
              <th scope="col" class="unprinted">
                <span class="skip">Edit</span>
              </th>
            )}
          </tr>
        </thead>
        <tbody>
          {DUTIES.map((duty) => {
            const own = rows.filter((row) => row.duty === duty);
            const gap = !own.some((row) => row.credentialId === null);
            return (
              <>
                {gap && <Gap duty={duty} edit={edit} />}
                {own.map((row) => (
                  <Row row={row} credentials={credentials} edit={edit} changed={changed.has(rowKey(row))} />
                ))}
              </>
            );
          })}
        </tbody>
      </table>
    </div>
  );
}

export function rowKey(row: { duty: string | null; part: string; credentialId: string | null }): string {
  return `${row.duty}/${row.part}/${row.credentialId ?? ''}`;
}

function Gap({ duty, edit }: { duty: Duty; edit: string | undefined }) {
  return (
    <tr class="gap">
      <th scope="row">{words(duty)}</th>
      <td colSpan={4} data-label="Accountable">
        <Chip tone="live">nobody answers for this</Chip>
      </td>
      {edit && (
        <td data-label="" class="unprinted">
          <a href={addressOf(edit, { duty, new: '1' })} aria-label={`Set ${words(duty)}`}>
            Set
          </a>
        </td>
      )}
    </tr>
  );
}

function Row({
  row,
  credentials,
  edit,
  changed,
}: {
  row: MatrixRowView;
  credentials: ReadonlyMap<string, string>;
  edit: string | undefined;
  changed: boolean;
}) {
  const name = [
    words(row.duty),
    row.part && `part ${row.part}`,
    row.credentialId && `only for ${credentials.get(row.credentialId) ?? 'one credential'}`,
  ]
    .filter(Boolean)
    .join(', ');
  return (
    <tr>
      <th scope="row">
        {words(row.duty)}
        {row.part && <div class="soft small">part: {row.part}</div>}
        {row.credentialId && (
          <div class="soft small">only for {credentials.get(row.credentialId) ?? 'one credential'}</div>
        )}
        {changed && (
          <div>
            <Chip tone="wait">not signed as it is</Chip>
          </div>
        )}
      </th>
      <td data-label="Accountable">
        <b>{row.accountable.name ?? 'another party'}</b>
      </td>
      <td data-label="Performing">{row.performing.map((one) => one.name ?? 'another party').join(', ')}</td>
      <td data-label="Within" class="nowrap">
        {row.windowMinutes ? windowWords(row.windowMinutes) : <span class="soft">–</span>}
        {row.pathKind && (
          <div class="soft small">{row.pathKind === 'connector' ? 'by machine' : 'by asking a contact'}</div>
        )}
      </td>
      <td data-label="Contact">
        {row.contact ? (
          (row.contact.name ?? 'somebody of the other side')
        ) : (
          <Chip tone="live">no contact</Chip>
        )}
        {row.note && <div class="soft small">{row.note}</div>}
      </td>
      {edit && (
        <td data-label="" class="unprinted">
          <a
            href={addressOf(edit, {
              duty: row.duty,
              part: row.part,
              credential: row.credentialId ?? undefined,
            })}
            aria-label={`Edit ${name}`}
          >
            Edit
          </a>
        </td>
      )}
    </tr>
  );
}
