import { z } from 'zod';
import { email, language, line, listOf, oneOf, whole, yesNo, zone } from './fields.schema.ts';

export const CONTACT_ROLES = ['security', 'contract', 'on_call'] as const;
export const PARTY_ROLES = ['supplier', 'customer', 'sub_processor', 'authority', 'insurer'] as const;

/** What may be changed of a party by hand. Left out: stays; null: emptied. */
export const editPartySchema = z
  .strictObject({
    name: line(200),
    region: line(120).nullable(),
    sector: line(120).nullable(),
    zone,
    language,
  })
  .partial()
  .meta({ id: 'EditParty' });
export type EditParty = z.output<typeof editPartySchema>;

export const editContactSchema = z
  .strictObject({
    name: line(200),
    role: oneOf(CONTACT_ROLES),
    email: email.nullable(),
    phone: line(60).nullable(),
    language: language.nullable(),
    ordinal: whole(0, 1000),
    active: yesNo,
  })
  .partial()
  .meta({ id: 'EditContact' });
export type EditContact = z.output<typeof editContactSchema>;

/** A contact that people add by hand. One that can neither be written to nor called could be told nothing. */
export const newContactSchema = z
  .strictObject({
    name: line(200),
    role: oneOf(CONTACT_ROLES),
    email: email.nullable().default(null),
    phone: line(60).nullable().default(null),
    language: language
      .nullable()
      .default(null)
      .describe('What they read, before what an agreement says; null: as the agreement or the party has it'),
    ordinal: whole(0, 1000).default(0).describe('Lower is called first'),
  })
  .refine((contact) => contact.email !== null || contact.phone !== null, {
    path: ['email'],
    message: 'must be given, or a phone number, so that there is a way to reach the contact',
  })
  .meta({ id: 'NewContact' });
export type NewContact = z.output<typeof newContactSchema>;

export const newPartySchema = z
  .strictObject({
    name: line(200),
    operator: yesNo.default(false).describe('Whether it is who runs this installation; there is one'),
    region: line(120).nullable().default(null),
    sector: line(120).nullable().default(null),
    zone: zone.default('UTC'),
    language: language.default('en'),
    contacts: listOf(newContactSchema).default([]),
  })
  .meta({ id: 'NewParty' });
export type NewParty = z.output<typeof newPartySchema>;

export const contactViewSchema = z
  .object({
    id: z.uuid(),
    partyId: z.uuid(),
    name: z.string(),
    role: z.enum(CONTACT_ROLES),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    language: z.string().nullable(),
    ordinal: z.int(),
    active: z.boolean(),
    rowVersion: z.int(),
  })
  .meta({ id: 'Contact' });
export type ContactView = z.infer<typeof contactViewSchema>;

export const partyLineSchema = z
  .object({
    id: z.uuid(),
    reference: z.string(),
    source: z.string(),
    key: z.string().nullable(),
    name: z.string(),
    operator: z.boolean(),
    region: z.string().nullable(),
    sector: z.string().nullable(),
    roles: z.array(z.enum(PARTY_ROLES)).describe('In any integration'),
  })
  .meta({ id: 'PartyLine' });
export type PartyLine = z.infer<typeof partyLineSchema>;

export const partyViewSchema = partyLineSchema
  .extend({
    zone: z.string(),
    language: z.string(),
    contacts: z.array(contactViewSchema),
    rowVersion: z.int(),
  })
  .meta({ id: 'Party' });
export type PartyView = z.infer<typeof partyViewSchema>;
