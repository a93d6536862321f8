import { z } from 'zod';

/** Somebody in the outside world: an address, habits, and what they hold. */
export const personSchema = z.strictObject({
  name: z.string().min(1).max(120),
  email: z
    .email()
    .max(254)
    .transform((address) => address.toLowerCase()),
  /** False: their mail piles up unread, and they do nothing. */
  answers: z.boolean().default(true),
  /** How long after a mail or a task they turn to it. */
  after: z.int().min(0).max(3_600_000).default(0),
  /** Follows the link of a notice and acknowledges it under their name. */
  acknowledges: z.boolean().default(true),
  /** Approves what waits for their approval. */
  approves: z.boolean().default(false),
  /** Issues a replacement at a supplier when a task asks for one, and records it. */
  replaces: z.boolean().default(false),
  /** Kinds of places that they look after: they remove copies there when they are asked to, and sign that they did. */
  clears: z.array(z.string().min(1).max(60)).max(50).default([]),
  /** Works at a supplier that is only asked by mail: changes a credential that a mail names by its id. */
  worksAt: z.string().max(40).optional(),
  /** Accounts at suppliers that they may manage; `match` is a word of the task that points to this one. */
  access: z
    .array(
      z.strictObject({
        supplier: z.string().min(1).max(40),
        account: z.string().min(1).max(60).default('main'),
        match: z.string().max(100).optional(),
        /** Where they put a new value. */
        store: z
          .strictObject({ kind: z.string().max(40), reference: z.string().max(300) })
          .default({ kind: 'vault', reference: 'kv/suppliers' }),
      }),
    )
    .max(50)
    .default([]),
  /** Where the product is. Links to anywhere else are not followed. */
  app: z.url().max(300).optional(),
  /** Their bearer token for the product's public API. */
  token: z.string().min(1).max(500).optional(),
});
export type PersonInput = z.input<typeof personSchema>;
export type Person = z.output<typeof personSchema>;

export type DeedKind =
  'read' | 'acknowledged' | 'approved' | 'replaced' | 'cleared' | 'changed' | 'failed' | 'gave_up';
/** What somebody did. */
export interface Deed {
  /** UTC milliseconds. */
  at: number;
  person: string;
  kind: DeedKind;
  /** The mail's or the step's id. */
  about: string;
  detail: string;
}
