import type { ChangeView } from '../../domain/responsibility/matrix.schema.ts';
import { DataTable } from '../shared/parts.tsx';

/** Material differences, side by side. */
export function Changes({
  changes,
  before,
  after,
}: {
  changes: readonly { words: ChangeView['words'] }[];
  before: string;
  after: string;
}) {
  return (
    <DataTable
      caption="What changed"
      columns={[{ title: 'Duty' }, { title: 'What' }, { title: before }, { title: after }]}
      rows={changes.map(({ words }) => [
        words.where,
        words.what,
        <span class="was">{words.before}</span>,
        <b>{words.after}</b>,
      ])}
    />
  );
}
