/**
 * CSV (RFC 4180) that a spreadsheet opens as text and never as a formula: every cell is quoted, and one that begins like a
 * formula (`=`, `+`, `-`, `@`, tab, carriage return, and their full-width forms) gets an apostrophe in front (OWASP, CSV
 * injection). Line ends inside of a cell become blanks.
 */
export function csvText(rows: readonly (readonly string[])[]): string {
  return rows.map((cells) => cells.map(cell).join(',') + '\r\n').join('');
}

const LIKE_A_FORMULA = /^\s*[=+\-@\t\r\uFF1D\uFF0B\uFF0D\uFF20]/;

function cell(text: string): string {
  const guarded = LIKE_A_FORMULA.test(text) ? `'${text}` : text;
  return `"${guarded.replaceAll(/\s*[\r\n]+\s*/g, ' ').replaceAll('"', '""')}"`;
}
