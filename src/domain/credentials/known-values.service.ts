import { createHash } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { system } from '../../kernel/principal.ts';
import { rowsOf } from '../../platform/database/rows.ts';
import { Transactions, type Db } from '../../platform/database/transactions.ts';
import { Keys } from '../../platform/signing/keys.ts';
import { digestsOfSha256, FINGERPRINT_SCHEME, type Pepper } from './fingerprint.rules.ts';
import { piecesOf } from './known-values.rules.ts';

/** Keeps values out of what people write down: of credentials that are known here, in whatever integration. */
@Injectable()
export class KnownValues {
  constructor(
    private readonly transactions: Transactions,
    private readonly keys: Keys,
  ) {}

  /**
   * The refusal of texts that hold a known value; undefined: none does. It names the fields and repeats nothing of them.
   * @param texts by the field that they were sent in
   */
  async refusalOf(
    texts: Readonly<Record<string, string>>,
    correlationId: string,
  ): Promise<Refusal | undefined> {
    const pieces = Object.entries(texts).map(([field, text]) => ({ field, pieces: piecesOf(text) }));
    // A value is known to the operator; that a text holds one of somebody else's must not pass either.
    const values = await this.transactions.run(system('credentials', correlationId), (db) =>
      valuesAmong(
        db,
        pieces.flatMap((one) => one.pieces),
        this.keys.peppers(),
      ),
    );
    const held = pieces.filter((one) => one.pieces.some((piece) => values.has(piece)));
    if (held.length === 0) return undefined;
    return refusal('invalid', 'holds-a-value', 'A value of a credential is never written down here.', {
      fields: held.map(({ field }) => ({
        field,
        ...HOLDS_A_VALUE,
      })),
    });
  }
}

/** What is said of a field that holds a value. */
export const HOLDS_A_VALUE = {
  problem: 'holds the value of a credential',
  mend: 'Name the credential by its reference, never by its value. Where it was pasted by mistake, report it as exposed.',
} as const;

/** Which of these keyed digests, in hex, are of values that are known here. */
export async function knownDigests(db: Db, digests: readonly string[]): Promise<ReadonlySet<string>> {
  if (digests.length === 0) return new Set();
  const hits = await rowsOf<{ hex: string }>(
    db,
    `SELECT DISTINCT encode(digest, 'hex') AS hex FROM fingerprint WHERE digest = ANY($1::bytea[]) AND scheme = $2`,
    [digests.map((hex) => `\\x${hex}`), FINGERPRINT_SCHEME],
  );
  return new Set(hits.map(({ hex }) => hex));
}

/** Which of these texts are values of credentials that are known here. */
export async function valuesAmong(
  db: Db,
  texts: readonly string[],
  peppers: readonly Pepper[],
): Promise<ReadonlySet<string>> {
  const byHash = new Map(
    [...new Set(texts)].map((text) => [createHash('sha256').update(text).digest('hex'), text]),
  );
  if (byHash.size === 0) return new Set();
  const digests = [...byHash.keys()].flatMap((hex) =>
    digestsOfSha256(hex, peppers).map(({ keyId, digest }) => ({ hex, keyId, digest })),
  );
  const hits = await rowsOf<{ hex: string }>(
    db,
    `SELECT DISTINCT r.hex FROM unnest($1::text[], $2::text[], $3::bytea[]) AS r(hex, key_id, digest)
       JOIN fingerprint f ON f.digest = r.digest AND f.key_id = r.key_id AND f.scheme = $4`,
    [
      digests.map(({ hex }) => hex),
      digests.map(({ keyId }) => keyId),
      digests.map(({ digest }) => digest),
      FINGERPRINT_SCHEME,
    ],
  );
  return new Set(hits.map(({ hex }) => byHash.get(hex)!));
}
