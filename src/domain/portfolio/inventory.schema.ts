import { z } from 'zod';

const at = z.iso.datetime();
const next = z.string().nullable();

export const inventorySchema = z
  .object({
    credentials: z.array(
      z.object({
        id: z.uuid(),
        reference: z.string(),
        name: z.string(),
        kind: z.string(),
        environment: z.string(),
        risk: z.int(),
        integration: z.object({ reference: z.string(), name: z.string() }),
        purpose: z.string(),
        owner: z.object({ id: z.uuid(), name: z.string().nullable(), active: z.boolean() }).nullable(),
        store: z.string(),
        rotateEveryDays: z.int().nullable(),
        rotation: z.enum(['none', 'unknown', 'fine', 'soon', 'overdue']),
        rotationDueAt: at.nullable(),
        expiresAt: at.nullable(),
        lastUsedAt: at.nullable(),
        gaps: z
          .array(
            z.enum([
              'no_owner',
              'no_purpose',
              'no_store',
              'no_rotation',
              'rotation_overdue',
              'unused',
              'never_seen_used',
            ]),
          )
          .describe('What is missing, the worst first'),
      }),
    ),
    next,
  })
  .meta({ id: 'Inventory' });

export const unownedSchema = z
  .object({
    integrations: z.array(
      z.object({
        id: z.uuid(),
        reference: z.string(),
        name: z.string(),
        state: z.string(),
        shadow: z.boolean(),
        riskTier: z.int(),
        formerOwner: z.string().nullable().describe('Who left'),
        unownedSince: at.nullable(),
        credentials: z.int(),
        lastUsedAt: at.nullable(),
      }),
    ),
  })
  .meta({ id: 'UnownedIntegrations' });

export const reuseSchema = z
  .object({
    values: z.array(
      z.object({
        group: z.string(),
        kind: z.enum(['across_environments', 'across_integrations', 'within_integration']),
        blocking: z.boolean(),
        members: z.array(
          z.object({
            credentialId: z.uuid(),
            reference: z.string(),
            name: z.string(),
            environment: z.string(),
            integrationId: z.uuid(),
            integrationReference: z.string(),
            integrationName: z.string(),
            versions: z.array(
              z.object({
                number: z.int(),
                phase: z.string().describe('What it is for; dead where it is proven so, whatever it was for'),
              }),
            ),
          }),
        ),
      }),
    ),
    next,
  })
  .meta({ id: 'ReusedValues' });

export const sharedSchema = z
  .object({
    credentials: z.array(
      z.object({
        id: z.uuid(),
        reference: z.string(),
        name: z.string(),
        environment: z.string(),
        risk: z.int(),
        uses: z.array(z.object({ reference: z.string(), name: z.string() })).describe('Its home first'),
        systems: z.int().describe('How many systems it reaches, as far as is known'),
      }),
    ),
  })
  .meta({ id: 'SharedCredentials' });

export const shadowsSchema = z
  .object({
    reports: z.array(
      z.object({
        finding: z.string(),
        source: z.string(),
        kind: z.string().nullable(),
        place: z.string().nullable(),
        reports: z.int(),
        publiclyLeaked: z.boolean(),
        saidLive: z.boolean(),
        supplierIds: z.array(z.string()),
        firstAt: at,
        lastAt: at,
        score: z.int().describe('What to look at first is highest'),
        example: z.object({ id: z.uuid(), reference: z.string() }),
        integration: z
          .object({ id: z.uuid(), reference: z.string(), name: z.string(), state: z.string() })
          .nullable()
          .describe('What it was declared as'),
      }),
    ),
    uses: z.array(
      z.object({
        credentialId: z.uuid(),
        reference: z.string(),
        name: z.string(),
        integrationReference: z.string(),
        integrationName: z.string(),
        why: z.enum(['environment', 'retired', 'not_live']),
        environment: z.string().nullable(),
        uses: z.int(),
        lastAt: at,
      }),
    ),
  })
  .meta({ id: 'Shadows' });

export const permissionsSchema = z
  .object({
    permissions: z.array(
      z.object({
        name: z.string(),
        description: z.string(),
        justification: z.string(),
        words: z.string().nullable().describe('null: shown as it is'),
        supplier: z.string().nullable(),
      }),
    ),
  })
  .meta({ id: 'Permissions' });
