import { z } from 'zod';
import { email, language, line, oneOf, whole, yesNo, zone } from './fields.schema.ts';

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
    language,
    ordinal: whole(0, 1000),
    active: yesNo,
  })
  .partial()
  .meta({ id: 'EditContact' });
export type EditContact = z.output<typeof editContactSchema>;

export const contactViewSchema = z
  .object({
    id: z.uuid(),
    partyId: z.uuid(),
    name: z.string(),
    role: z.enum(CONTACT_ROLES),
    email: z.string().nullable(),
    phone: z.string().nullable(),
    language: z.string(),
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
