/**
 * CSV (RFC 4180) that a spreadsheet opens as text and never as a formula: every cell is quoted, and line ends inside of a
 * cell become blanks.
 */
export function csvText(rows: readonly (readonly SheetCell[])[]): string {
  return rows.map((cells) => cells.map(cell).join(',') + '\r\n').join('');
}

/** What stands in a cell of a table that leaves the product. A date is an instant. */
export type SheetCell = string | number | Date | null;

const LIKE_A_FORMULA = /^\s*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

/**
 * Text that no spreadsheet takes for a formula, however it is saved again: one that begins like a formula (`=`, `+`, `-`,
 * `@`, tab, carriage return, and their full-width forms) gets an apostrophe in front (OWASP, CSV injection).
 */
export function guarded(text: string): string {
  return LIKE_A_FORMULA.test(text) ? `'${text}` : text;
}

function cell(value: SheetCell): string {
  const text =
    value === null
      ? ''
      : value instanceof Date
        ? value.toISOString()
        : typeof value === 'number'
          ? String(value)
          : guarded(value);
  return `"${text.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll('"', '""')}"`;
}
