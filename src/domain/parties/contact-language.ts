/**
 * The language that a contact reads, in SQL: their own where they have one, else their party's. What an agreement promises
 * to tell has a language of its own to fall back on (`NoticesService.owe`).
 *
 * @param contact the name that the contact has in the statement
 */
export function readsIn(contact: string): string {
  return `coalesce(${contact}.language, (SELECT reader.language FROM party reader WHERE reader.id = ${contact}.party_id))`;
}
