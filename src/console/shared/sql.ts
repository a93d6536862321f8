/** An instant of a row as UTC milliseconds. `column` is our own text, never a user's. */
export function ms(column: string): string {
  return `(extract(epoch FROM ${column}) * 1000)::float8`;
}

/** A text that a reader typed, for LIKE: its wildcards mean themselves. */
export function contains(text: string): string {
  return `%${text.replaceAll(/[\\%_]/g, String.raw`\$&`)}%`;
}

/** The name of a contact; of somebody whom the reader may not see, that there is one. */
export function named(name: string, id: string): string {
  return `coalesce(${name}, CASE WHEN ${id} IS NOT NULL THEN 'somebody of another party' END)`;
}
