import type { Holding } from '../../domain/credentials/holdings.queries.ts';
import type { LocationLine } from '../integrations/integration.queries.ts';
import { At, DataTable, Empty } from '../shared/parts.tsx';
import { Chip, words } from '../shared/states.tsx';
import { SHOWN } from './convergence.tsx';
import { FacetChip, shownBy } from './facets.tsx';

/** Where copies are, how they got there, and whether it can be shown that they are gone. */
export function Locations({
  locations,
  ofOne,
  moves,
  scans,
  stores,
}: {
  locations: readonly LocationLine[];
  ofOne?: boolean;
  /** Address below which each may be said to hold another version. */
  moves?: string;
  /** Address below which the file of a scan of each may be handed in. */
  scans?: string;
  /** Address below which the store of each is shown. */
  stores?: string;
}) {
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
          {stores && (
            <a class="small" href={`${stores}/${one.id}/store`}>
              {one.storeName === null ? 'in no store' : `in ${one.storeName}: ${one.storeEntry}`}
            </a>
          )}
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
            {ofOne && one.versionNumber !== null && ` version ${one.versionNumber}`}
          </div>
          {moves && (
            <a class="small" href={`${moves}/${one.id}/version`}>
              record another version
            </a>
          )}
        </div>,
        <div>
          {one.partyName}
          <div class="small">{one.ownerName ?? <Chip tone="wait">no owner</Chip>}</div>
        </div>,
        one.provable === 'no' ? (
          <div>
            <Chip tone="doubt">not provable</Chip>
            <div class="small">active location cannot be proved</div>
          </div>
        ) : (
          words(one.provable)
        ),
        <div>
          <FacetChip facet="copy" value={one.verdict} />
          {one.verdictAt !== null && (
            <div class="soft small">
              <At at={one.verdictAt} />
              {one.verdict === 'gone' && `, ${shownBy(one.verdictMethod ?? '')}`}
            </div>
          )}
          {scans && (
            <a class="small" href={`${scans}/${one.id}/scan`}>
              hand in a scan
            </a>
          )}
        </div>,
      ])}
    />
  );
}

/** What each copy has held, by whom it was put there and how that is known; newest first. */
export function Holdings({ holdings }: { holdings: readonly Holding[] }) {
  if (holdings.length === 0) return null;
  return (
    <details>
      <summary>What was put where, and when</summary>
      <DataTable
        caption="What was put where"
        columns={[
          { title: 'Copy' },
          { title: 'Version' },
          { title: 'How' },
          { title: 'Put there' },
          { title: 'Recorded' },
        ]}
        rows={holdings.map((one) => [
          one.locationName,
          one.version,
          words(one.arrivedBy),
          one.putBy || one.putAt !== null ? (
            <div>
              {one.putBy && `by ${one.putBy} `}
              {one.putAt !== null && <At at={one.putAt} />}
            </div>
          ) : (
            <span class="soft">not said</span>
          ),
          <div>
            <At at={one.recordedAt} />
            <div class="soft small">{SHOWN[one.shownBy]}</div>
          </div>,
        ])}
      />
    </details>
  );
}
