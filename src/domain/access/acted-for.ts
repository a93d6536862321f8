/**
 * Whether the account or the token that did something acts for a party, in SQL; an account of whoever runs this acts for the
 * operator's own. A token that is bound to a party acts for it unless somebody of another side made it: then it is their
 * hand. (What the host's terminal made counts: whoever holds that could do anything, and the party is told.) Sees what the
 * installation sees: in the scope of a party it is true of nothing.
 *
 * @param hand the id of the account or token, as text
 * @param party the id of the party
 */
export function actedFor(hand: string, party: string): string {
  const madeBy = (table: string) =>
    `EXISTS (SELECT FROM ${table} m WHERE m.id::text = t.created_by AND m.party_id IS DISTINCT FROM t.party_id)`;
  return `EXISTS (
    SELECT FROM (SELECT u.party_id FROM user_account u WHERE u.id::text = ${hand}
                 UNION ALL
                 SELECT t.party_id FROM api_token t
                  WHERE t.id::text = ${hand} AND NOT ${madeBy('user_account')} AND NOT ${madeBy('api_token')}) acted
     WHERE CASE WHEN acted.party_id IS NULL THEN EXISTS (SELECT FROM party own WHERE own.id = ${party} AND own.is_operator)
                ELSE acted.party_id = ${party} END)`;
}
