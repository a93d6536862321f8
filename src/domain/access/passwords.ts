import { randomBytes } from 'node:crypto';
import { Injectable } from '@nestjs/common';
import { hash, verify } from '@node-rs/argon2';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { Secret } from '../../kernel/secret.ts';

/** argon2id with the parameters of the OWASP Password Storage Cheat Sheet: 19 MiB, two passes, one lane. */
const COST = { memoryCost: 19_456, timeCost: 2, parallelism: 1 };

/** Characters, not bytes. ASVS 5.0 6.2.1 asks for 8 at least and 6.2.9 for at least 64 to be allowed. */
const SHORTEST = 12;
const LONGEST = 200;

@Injectable()
export class Passwords {
  // What an unknown address is compared with, so that it costs the same.
  readonly #nobody = hash(randomBytes(16), COST);

  hash(password: Secret): Promise<string> {
    return password.use((text) => hash(text, COST));
  }

  /** Takes the same time whether or not there is a hash. */
  async verify(stored: string | null, password: Secret): Promise<boolean> {
    const right = await password.use(async (text) =>
      verify(stored ?? (await this.#nobody), text.slice(0, LONGEST)),
    );
    return right && stored !== null;
  }

  /** Length is what counts; composition rules only make people predictable (ASVS 5.0 6.2.5). */
  weakness(password: Secret): Refusal | undefined {
    const length = password.use((text) => Array.from(text).length);
    if (length >= SHORTEST && length <= LONGEST) return undefined;
    const problem = `has ${length} characters`;
    const mend = `Choose one of ${SHORTEST} to ${LONGEST} characters.`;
    return refusal('invalid', 'password-length', `The password ${problem}. ${mend}`, {
      fields: [{ field: '/password', problem, mend }],
    });
  }

  /** For accounts that are made on a command line. 120 bits. */
  generate(): Secret {
    return Secret.of(randomBytes(15).toString('base64url'));
  }
}
