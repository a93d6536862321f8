import { z } from 'zod';
import { ROLES } from '../../kernel/principal.ts';
import { MAIL_LANGUAGES } from './mail-language.rules.ts';
import { PERMISSIONS, type Permission } from './permissions.ts';

const role = z.enum(ROLES);
const permission = z.enum(Object.keys(PERMISSIONS) as [Permission, ...Permission[]]);
const line = (most: number) =>
  z
    .string()
    .trim()
    .min(1)
    .max(most)
    .regex(/^\P{Cc}*$/u, 'must be one line');

export const createUserSchema = z
  .strictObject({
    email: z.email().max(254),
    name: line(200),
    roles: z.array(role).min(1).max(ROLES.length),
    partyId: z.uuid().nullish(),
    language: z
      .enum(MAIL_LANGUAGES)
      .optional()
      .describe('In which the person is written to; absent: as their browser asks at the first sign-in'),
    password: z
      .string()
      .min(1)
      .max(1000)
      .optional()
      .describe('12 to 200 characters; absent: no sign-in with a password'),
  })
  .meta({ id: 'CreateUser' });

export const userSchema = z
  .object({
    id: z.uuid().describe('Of the account; the person is another one'),
    personId: z.uuid().describe('Whose account it is, as consentPersonId takes it'),
    email: z.string(),
    name: z.string(),
    state: z.enum(['active', 'disabled']),
    roles: z.array(role),
    partyId: z.uuid().nullable(),
    language: z.enum(MAIL_LANGUAGES).nullable(),
    createdAt: z.iso.datetime(),
  })
  .meta({ id: 'User' });

export const chooseLanguageSchema = z
  .strictObject({ language: z.enum(MAIL_LANGUAGES) })
  .meta({ id: 'ChooseLanguage' });

export const createTokenSchema = z
  .strictObject({
    name: line(200),
    role: role.optional(),
    permissions: z.array(permission).min(1).max(100).optional(),
    partyId: z
      .uuid()
      .nullish()
      .describe('For whom it acts: a machine of that party, whose security contacts are told of it'),
    userId: z
      .uuid()
      .optional()
      .describe(
        'The caller’s own account, to act as that person; absent: a machine, which can sign and accept nothing',
      ),
    expiresAt: z.iso.datetime({ offset: true }).optional().describe('Absent: in 90 days'),
  })
  .refine((input) => (input.role === undefined) !== (input.permissions === undefined), {
    message: 'name either a role or permissions',
    path: ['role'],
  })
  .meta({ id: 'CreateToken' });

export const tokenSchema = z
  .object({
    id: z.uuid(),
    name: z.string(),
    hint: z.string().describe('The last four characters'),
    role: role.nullable(),
    permissions: z.array(z.string()).nullable(),
    partyId: z.uuid().nullable(),
    createdAt: z.iso.datetime(),
    expiresAt: z.iso.datetime(),
    revokedAt: z.iso.datetime().nullable(),
    lastUsedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'Token' });

export const createdTokenSchema = z
  .object({
    id: z.uuid(),
    value: z.string().describe('Shown once, kept nowhere'),
    expiresAt: z.iso.datetime(),
  })
  .meta({ id: 'CreatedToken' });

export const createdUserSchema = z.object({ id: z.uuid() }).meta({ id: 'CreatedUser' });

export const meSchema = z
  .object({
    kind: z.enum(['user', 'token', 'link', 'source', 'machine', 'system']),
    id: z.string(),
    roles: z.array(role),
    permissions: z.array(z.string()),
    partyId: z.uuid().nullable(),
  })
  .meta({ id: 'Me' });
