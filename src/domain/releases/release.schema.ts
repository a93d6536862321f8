import { z } from 'zod';
import { instant, line, oneOf, paragraph, webUrl, whole } from '../parties/fields.schema.ts';

const coordinate = z
  .string('must be base64url of 32 bytes')
  .regex(/^[A-Za-z0-9_-]{43}$/, 'must be base64url of 32 bytes');

/** A public key of a machine (RFC 7517). A private one is refused: its owner is the only one who may have it. */
export const publicKeySchema = z
  .discriminatedUnion(
    'kty',
    [
      z.strictObject({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: coordinate }),
      z.strictObject({ kty: z.literal('EC'), crv: z.literal('P-256'), x: coordinate, y: coordinate }),
    ],
    'must be a public key as a JWK of Ed25519 or P-256: kty, crv, x, and for P-256 y, and nothing else',
  )
  .meta({ id: 'MachinePublicKey' });

export const newMachineSchema = z
  .strictObject({
    integrationId: z.uuid('must be the id of an integration'),
    partyId: z.uuid('must be the id of a party').describe('Whose machine it is; a party of the integration'),
    name: line(200),
    environment: line(60),
    publicKey: publicKeySchema.optional(),
    oidc: z
      .strictObject({
        issuer: webUrl.describe('As the token says it (iss)'),
        subject: line(500).describe('As the token says it (sub), whole'),
      })
      .optional()
      .describe('Where its platform vouches for it; the token has to be for this installation'),
  })
  .refine((input) => (input.publicKey === undefined) !== (input.oidc === undefined), {
    path: ['publicKey'],
    message: 'must be given, or else oidc: one of the two',
  })
  .meta({ id: 'NewMachineIdentity' });
export type NewMachine = z.output<typeof newMachineSchema>;

export const machineSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    integrationId: z.uuid(),
    partyId: z.uuid(),
    name: z.string(),
    environment: z.string(),
    kind: z.enum(['key', 'oidc']),
    thumbprint: z.string().nullable().describe('RFC 7638'),
    issuer: z.string().nullable(),
    subject: z.string().nullable(),
    state: z.enum(['proposed', 'approved', 'refused', 'retired']),
    registeredAt: z.iso.datetime(),
    decidedAt: z.iso.datetime().nullable(),
    retiredAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'MachineIdentity' });
export type MachineView = z.infer<typeof machineSchema>;

export const decisionSchema = z
  .strictObject({ decision: oneOf(['approve', 'refuse'] as const) })
  .meta({ id: 'MachineDecision' });

export const newGrantSchema = z
  .strictObject({
    credentialId: z.uuid('must be the id of a credential'),
    purpose: line(200).describe('Each checkout has to name it, word for word'),
    maxSimultaneous: whole(1, 1000).describe('Checkouts open at the same time'),
    maxSeconds: whole(10, 86_400).describe('How long one checkout lasts, with all its renewals'),
    expiresAt: instant.describe('At most 400 days away'),
    consentPersonId: z
      .uuid('must be the id of a person')
      .optional()
      .describe(
        'Who has to consent to each checkout, or open a window for them: a personId of /checkout-consenters',
      ),
  })
  .meta({ id: 'NewCheckoutGrant' });
export type NewGrant = z.output<typeof newGrantSchema>;

export const consenterSchema = z
  .object({ personId: z.uuid(), name: z.string() })
  .meta({ id: 'CheckoutConsenter' });
export type Consenter = z.infer<typeof consenterSchema>;

export const grantSchema = z
  .object({
    id: z.uuid(),
    identityId: z.uuid(),
    integrationId: z.uuid(),
    credentialId: z.uuid(),
    purpose: z.string(),
    maxSimultaneous: z.int(),
    maxSeconds: z.int(),
    consentPersonId: z.uuid().nullable(),
    consentUntil: z.iso.datetime().nullable().describe('Until then nobody is asked'),
    state: z.enum(['proposed', 'approved', 'refused', 'ended']),
    expiresAt: z.iso.datetime(),
    requestedAt: z.iso.datetime(),
  })
  .meta({ id: 'CheckoutGrant' });
export type GrantView = z.infer<typeof grantSchema>;

export const askCheckoutSchema = z
  .strictObject({
    credentialId: z.uuid('must be the id of a credential'),
    purpose: line(200),
    seconds: whole(10, 86_400).default(300).describe('How long this lease lasts; it may be renewed'),
  })
  .meta({ id: 'AskCheckout' });
export type AskCheckout = z.output<typeof askCheckoutSchema>;

export const CHECKOUT_STATES = [
  'waiting',
  'consented',
  'refused',
  'open',
  'returned',
  'expired',
  'revoked',
  'failed',
] as const;

const lease = {
  id: z.uuid(),
  state: z.enum(CHECKOUT_STATES),
  credentialId: z.uuid(),
  purpose: z.string(),
  answerUntil: z.iso.datetime().nullable().describe('Of one that waits: ask again until then'),
  expiresAt: z.iso.datetime().nullable().describe('Forget the value then, or renew before'),
  latestEnd: z.iso.datetime().nullable().describe('No renewal leads past it'),
  renewals: z.int(),
  version: z
    .object({
      number: z.int(),
      expiresAt: z.iso.datetime().nullable(),
      successor: z.int().nullable().describe('The version that is about to take over'),
    })
    .nullable(),
};
export const checkoutSchema = z.object(lease).meta({ id: 'Checkout' });
export const releasedSchema = z
  .object({ ...lease, value: z.string().optional().describe('Once, in the answer that releases it') })
  .meta({ id: 'ReleasedCheckout' });
export type CheckoutView = z.infer<typeof checkoutSchema>;

export const heldSchema = z
  .object({
    id: z.uuid(),
    state: z.enum(CHECKOUT_STATES),
    identityId: z.uuid(),
    identityName: z.string(),
    integrationId: z.uuid(),
    credentialId: z.uuid(),
    purpose: z.string(),
    versionNumber: z.int().nullable(),
    askedAt: z.iso.datetime(),
    expiresAt: z.iso.datetime().nullable(),
    endedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'HeldCheckout' });
export type HeldView = z.infer<typeof heldSchema>;

export const putValueSchema = z
  .strictObject({
    value: z
      .string('must be text')
      .min(1, 'must not be empty')
      .max(65_536, 'must have at most 65536 characters'),
  })
  .meta({ id: 'PutVersionValue' });

export const reasonSchema = paragraph(2000).refine(
  (text) => text.trim().length >= 10,
  'must say in at least 10 characters why',
);
