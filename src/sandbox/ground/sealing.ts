import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { mkdir, open, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';

/**
 * Keeps the few values that the world must be able to say again (a client's secret, a webhook's key, what an alert
 * found) unreadable in its files, as a supplier's own vault would. Everything else is kept as SHA-256 only.
 */
export class Sealing {
  private constructor(private readonly key: Buffer) {}

  static async open(file: string): Promise<Sealing> {
    await mkdir(dirname(file), { recursive: true, mode: 0o700 });
    try {
      const handle = await open(file, 'wx', 0o600);
      try {
        await handle.write(randomBytes(32));
        await handle.sync();
      } finally {
        await handle.close();
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
    const key = await readFile(file);
    if (key.length !== 32)
      throw new Error(`${file} is not a key of 32 bytes. Remove the folder to start anew.`);
    return new Sealing(key);
  }

  /** @returns base64 of nonce, tag and ciphertext (AES-256-GCM) */
  seal(text: string): string {
    const nonce = randomBytes(12);
    const cipher = createCipheriv('aes-256-gcm', this.key, nonce);
    const body = Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]);
    return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64');
  }

  unseal(sealed: string): string {
    const bytes = Buffer.from(sealed, 'base64');
    const decipher = createDecipheriv('aes-256-gcm', this.key, bytes.subarray(0, 12));
    decipher.setAuthTag(bytes.subarray(12, 28));
    return Buffer.concat([decipher.update(bytes.subarray(28)), decipher.final()]).toString('utf8');
  }
}

/** Lower-case hex SHA-256: how the world recognises a value that it does not keep. */
export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** Random text of letters and digits, about 5.95 bits a character. */
export function randomText(length: number): string {
  const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
  let text = '';
  while (text.length < length) {
    for (const byte of randomBytes(length)) {
      // 248 is the largest multiple of 62 below 256: a larger byte would favour the first letters.
      if (byte < 248 && text.length < length) text += alphabet[byte % 62];
    }
  }
  return text;
}
