import type { LocationLine } from '../integrations/integration.queries.ts';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { FacetChip } from './facets.tsx';

/** Where copies are, how they got there, and whether it can be shown that they are gone. */
export function Locations({ locations, ofOne }: { locations: readonly LocationLine[]; ofOne?: boolean }) {
  if (locations.length === 0) return <Empty>No copy is known. That is no proof that there is none.</Empty>;
  const columns = [
    { title: 'Copy' },
    ...(ofOne ? [] : [{ title: 'Credential' }]),
    { title: 'How it got there' },
    { title: 'Owned by' },
    { title: 'Provable by' },
    { title: 'Last verdict' },
  ];
  return (
    <DataTable
      caption="Copies"
      columns={columns}
      rows={locations.map((one) => [
        <div>
          <b>{one.name}</b>
          <div class="soft small">
            {words(one.kind)}
            {one.path && (
              <>
                {' · '}
                <span class="mono">{one.path}</span>
              </>
            )}
          </div>
        </div>,
        ...(ofOne
          ? []
          : [
              <div>
                {one.credentialReference ? (
                  <a href={`/credentials/${one.credentialReference}`}>{one.credentialName}</a>
                ) : (
                  one.credentialName
                )}
                {one.versionNumber !== null && <div class="soft small">version {one.versionNumber}</div>}
              </div>,
            ]),
        <div>
          {words(one.arrivedBy)}
          <div class="soft small">
            {one.putBy ? `by ${one.putBy} ` : ''}
            {one.putAt !== null && <At at={one.putAt} day />}
          </div>
        </div>,
        <div>
          {one.partyName}
          <div class="small">{one.ownerName ?? <Chip tone="wait">no owner</Chip>}</div>
        </div>,
        one.provable === 'no' ? <Chip tone="doubt">cannot be proven</Chip> : words(one.provable),
        <div>
          <FacetChip facet="copy" value={one.verdict} />
          {one.verdictAt !== null && (
            <div class="soft small">
              <At at={one.verdictAt} />
            </div>
          )}
        </div>,
      ])}
    />
  );
}
