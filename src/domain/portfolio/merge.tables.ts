import type { ReferencePrefix } from '../../platform/database/references.ts';
import type { Kind } from './portfolio.schema.ts';

/** How one field of a row becomes one column. */
export interface ColumnRule {
  column: string;
  field: string;
  type: 'text' | 'int' | 'numeric' | 'boolean' | 'timestamptz' | 'time' | 'text[]' | 'int[]' | 'date[]';
  /** SQL for a new row that leaves the field out, where that is not NULL; `s` is the staged row. */
  or?: string;
  /** The field holds the key of such a row; the column its id. */
  ref?: Kind;
  /** Part of what the thing is: another value on a known row is refused, with this word for the thing it belongs to. */
  fixed?: string;
}

/** A kind of row that is merged into one table, column by column. */
export interface TableRule {
  kind: Kind;
  table: string;
  /** Column that holds the key. */
  keyColumn: 'external_key' | 'key';
  prefix?: ReferencePrefix;
  /** Has updated_at and row_version. */
  edited: boolean;
  columns: readonly ColumnRule[];
}

const authority: readonly ColumnRule[] = [
  { column: 'authority', field: 'authority', type: 'text' },
  { column: 'approve_within_minutes', field: 'approveWithinMinutes', type: 'int' },
  { column: 'approve_otherwise', field: 'approveOtherwise', type: 'text' },
];

/** In the order in which rows come to exist. */
export const TABLES: readonly TableRule[] = [
  {
    kind: 'calendar',
    table: 'calendar',
    keyColumn: 'key',
    edited: false,
    columns: [
      { column: 'name', field: 'name', type: 'text' },
      { column: 'zone', field: 'zone', type: 'text' },
      { column: 'working_days', field: 'workingDays', type: 'int[]' },
      { column: 'day_ends', field: 'dayEnds', type: 'time', or: `time '24:00'` },
      { column: 'holidays', field: 'holidays', type: 'date[]', or: `'{}'` },
    ],
  },
  {
    kind: 'party',
    table: 'party',
    keyColumn: 'external_key',
    prefix: 'PTY',
    edited: true,
    columns: [
      { column: 'name', field: 'name', type: 'text' },
      { column: 'is_operator', field: 'operator', type: 'boolean', or: 'false' },
      { column: 'region', field: 'region', type: 'text' },
      { column: 'sector', field: 'sector', type: 'text' },
      { column: 'zone', field: 'zone', type: 'text', or: `'UTC'` },
      { column: 'calendar_id', field: 'calendar', type: 'text', ref: 'calendar' },
      { column: 'language', field: 'language', type: 'text', or: `'en'` },
    ],
  },
  {
    kind: 'contact',
    table: 'contact',
    keyColumn: 'external_key',
    edited: true,
    columns: [
      { column: 'party_id', field: 'party', type: 'text', ref: 'party', fixed: 'party' },
      { column: 'name', field: 'name', type: 'text' },
      { column: 'role', field: 'role', type: 'text' },
      { column: 'email', field: 'email', type: 'text' },
      { column: 'phone', field: 'phone', type: 'text' },
      { column: 'language', field: 'language', type: 'text' },
      { column: 'ordinal', field: 'ordinal', type: 'int', or: '0' },
      { column: 'active', field: 'active', type: 'boolean', or: 'true' },
    ],
  },
  {
    kind: 'agreement',
    table: 'agreement',
    keyColumn: 'external_key',
    prefix: 'AGR',
    edited: true,
    columns: [
      { column: 'party_id', field: 'party', type: 'text', ref: 'party', fixed: 'party' },
      { column: 'title', field: 'title', type: 'text' },
    ],
  },
  {
    kind: 'connection',
    table: 'connection',
    keyColumn: 'external_key',
    edited: true,
    columns: [
      { column: 'party_id', field: 'party', type: 'text', ref: 'party', fixed: 'party' },
      { column: 'name', field: 'name', type: 'text' },
      { column: 'preset_key', field: 'preset', type: 'text' },
      { column: 'base_url', field: 'baseUrl', type: 'text', or: `''` },
      { column: 'environment', field: 'environment', type: 'text', or: `'production'` },
      { column: 'max_concurrent', field: 'maxConcurrent', type: 'int', or: '4' },
      { column: 'per_second', field: 'perSecond', type: 'numeric' },
      { column: 'control_supplier_id', field: 'controlSupplierId', type: 'text' },
    ],
  },
  {
    kind: 'integration',
    table: 'integration',
    keyColumn: 'external_key',
    prefix: 'INT',
    edited: true,
    columns: [
      { column: 'name', field: 'name', type: 'text' },
      { column: 'purpose', field: 'purpose', type: 'text', or: `''` },
      { column: 'data_class', field: 'dataClass', type: 'text', or: `'internal'` },
      { column: 'risk_tier', field: 'riskTier', type: 'int', or: '2' },
      { column: 'owner_contact_id', field: 'owner', type: 'text', ref: 'contact' },
      { column: 'agreement_id', field: 'agreement', type: 'text', ref: 'agreement' },
      { column: 'environments', field: 'environments', type: 'text[]', or: `'{production}'` },
      { column: 'regions', field: 'regions', type: 'text[]', or: `'{}'` },
      { column: 'sectors', field: 'sectors', type: 'text[]', or: `'{}'` },
      { column: 'shadow', field: 'shadow', type: 'boolean', or: 'false' },
    ],
  },
  {
    kind: 'system',
    table: 'system',
    keyColumn: 'external_key',
    edited: false,
    columns: [
      { column: 'name', field: 'name', type: 'text' },
      { column: 'kind', field: 'type', type: 'text', or: `'service'` },
      { column: 'environment', field: 'environment', type: 'text', or: `'production'` },
      { column: 'party_id', field: 'party', type: 'text', ref: 'party' },
    ],
  },
  {
    kind: 'credential',
    table: 'credential',
    keyColumn: 'external_key',
    prefix: 'CRD',
    edited: true,
    columns: [
      {
        column: 'integration_id',
        field: 'integration',
        type: 'text',
        ref: 'integration',
        fixed: 'integration',
      },
      { column: 'name', field: 'name', type: 'text' },
      { column: 'kind', field: 'type', type: 'text' },
      { column: 'environment', field: 'environment', type: 'text', or: `'production'` },
      { column: 'purpose', field: 'purpose', type: 'text', or: `''` },
      { column: 'direction', field: 'direction', type: 'text', or: `'outbound'` },
      { column: 'owner_contact_id', field: 'owner', type: 'text', ref: 'contact' },
      { column: 'issuer_party_id', field: 'issuer', type: 'text', ref: 'party' },
      { column: 'verifier_party_id', field: 'verifier', type: 'text', ref: 'party' },
      { column: 'beneficiary_party_id', field: 'beneficiary', type: 'text', ref: 'party' },
      ...authority,
      { column: 'revocability', field: 'revocability', type: 'text', or: `'manual'` },
      { column: 'connection_id', field: 'connection', type: 'text', ref: 'connection' },
      { column: 'risk', field: 'risk', type: 'int', or: '500' },
      { column: 'store', field: 'store', type: 'text', or: `''` },
      { column: 'rotate_every_days', field: 'rotateEveryDays', type: 'int' },
      { column: 'last_used_at', field: 'lastUsedAt', type: 'timestamptz' },
    ],
  },
];

/** A field, or all fields at a path, that hold keys of rows of another kind. */
export interface ReferenceRule {
  kind: Kind;
  /** As people write it. */
  field: string;
  /** SQL for the keys of one staged row `s`: an expression, or a set-returning one where `many`. */
  keys: string;
  many: boolean;
  to: Kind;
}

const one = (kind: Kind, field: string, to: Kind): ReferenceRule => ({
  kind,
  field,
  keys: `s.body->>'${field}'`,
  many: false,
  to,
});
const many = (kind: Kind, path: string, to: Kind): ReferenceRule => ({
  kind,
  field: path.replaceAll('[*]', '').replaceAll('.', '/'),
  keys: `jsonb_path_query(s.body, '$.${path}') #>> '{}'`,
  many: true,
  to,
});
const rowOfMatrix = (kind: Kind, at: (field: string, to: Kind) => ReferenceRule): ReferenceRule[] => [
  at('accountable', 'party'),
  at('credential', 'credential'),
  at('contact', 'contact'),
  many(kind, kind === 'integration' ? 'matrix[*].performing[*]' : 'performing[*]', 'party'),
];

export const REFERENCES: readonly ReferenceRule[] = [
  one('party', 'calendar', 'calendar'),
  one('contact', 'party', 'party'),
  one('agreement', 'party', 'party'),
  many('agreement', 'terms[*].calendar', 'calendar'),
  many('agreement', 'terms[*].recipients[*]', 'contact'),
  many('agreement', 'terms[*].fallbackRecipients[*]', 'contact'),
  one('term', 'agreement', 'agreement'),
  one('term', 'calendar', 'calendar'),
  many('term', 'recipients[*]', 'contact'),
  many('term', 'fallbackRecipients[*]', 'contact'),
  one('connection', 'party', 'party'),
  one('connection', 'preset', 'connectorPreset'),
  one('integration', 'owner', 'contact'),
  one('integration', 'agreement', 'agreement'),
  many('integration', 'parties[*].party', 'party'),
  many('integration', 'dependencies[*].party', 'party'),
  many('integration', 'dependencies[*].integration', 'integration'),
  ...rowOfMatrix('integration', (field, to) => many('integration', `matrix[*].${field}`, to)),
  one('matrixRow', 'integration', 'integration'),
  ...rowOfMatrix('matrixRow', (field, to) => one('matrixRow', field, to)),
  one('system', 'party', 'party'),
  one('credential', 'integration', 'integration'),
  one('credential', 'owner', 'contact'),
  one('credential', 'issuer', 'party'),
  one('credential', 'verifier', 'party'),
  one('credential', 'beneficiary', 'party'),
  one('credential', 'connection', 'connection'),
  many('credential', 'holders[*]', 'party'),
  many('credential', 'uses[*].integration', 'integration'),
  many('credential', 'uses[*].holders[*]', 'party'),
  many('credential', 'paths[*].connection', 'connection'),
  many('credential', 'paths[*].contact', 'contact'),
  one('credentialVersion', 'credential', 'credential'),
  one('location', 'credential', 'credential'),
  one('location', 'integration', 'integration'),
  one('location', 'party', 'party'),
  one('location', 'owner', 'contact'),
  {
    kind: 'location',
    field: 'version',
    keys: `(s.body->>'credential') || '#' || (s.body->>'version')`,
    many: false,
    to: 'credentialVersion',
  },
  one('edge', 'credential', 'credential'),
  one('edge', 'location', 'location'),
  one('edge', 'system', 'system'),
];

/** SQL for the rows of a kind that are already stored: `id`, `key`. */
export const STORED: Readonly<Partial<Record<Kind, string>>> = {
  ...Object.fromEntries(
    TABLES.map((rule) => [
      rule.kind,
      rule.keyColumn === 'key'
        ? `SELECT id, key FROM ${rule.table}`
        : `SELECT id, external_key AS key FROM ${rule.table} WHERE source = :source`,
    ]),
  ),
  connectorPreset: `SELECT id, key FROM connector_preset WHERE active`,
  location: `SELECT id, external_key AS key FROM location WHERE source = :source`,
  credentialVersion: `SELECT v.id, c.external_key || '#' || v.number AS key
                        FROM credential_version v JOIN credential c ON c.id = v.credential_id WHERE c.source = :source`,
};

/** The word for a kind where people read it, and in the ledger. */
export function wordOf(kind: string): string {
  return kind.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
