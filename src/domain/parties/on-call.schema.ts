import { z } from 'zod';
import { instant, line, listOf, whole, zone } from './fields.schema.ts';

const TIME = 'must be a time of day, e.g. 08:00';
const begin = z.string(TIME).regex(/^([01]\d|2[0-3]):[0-5]\d$/, TIME);
const end = z.string(TIME).regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, TIME);

/** A span that begins when it ends would be none of the day to one reader and all of it to another. */
const spans = ({ from, until }: { from: string; until: string }) => from !== until;

/** When a contact is on duty, and when it wants quiet. */
export const contactHoursSchema = z
  .strictObject({
    zone,
    days: listOf(whole(1, 7))
      .refine((days) => days.length > 0, {
        message: 'must name at least one day; whoever is never on duty is no contact to call',
        params: { mend: 'Name a day, or leave days out for every day.' },
      })
      .default([1, 2, 3, 4, 5, 6, 7])
      .describe('Weekdays on which a duty begins, Monday 1 to Sunday 7'),
    from: begin.default('00:00'),
    until: end.default('24:00').describe('Earlier than from: past midnight'),
    quiet: z
      .strictObject({ from: begin, until: end })
      .refine(spans, {
        path: ['until'],
        message: 'must be another time than it begins; without quiet hours give neither',
        params: { mend: 'Give another time, or null for quiet where none is wanted.' },
      })
      .nullable()
      .default(null)
      .describe('Notices wait until it ends, and never past their warning'),
    mostPerHour: whole(1, 1000).nullable().default(null),
  })
  .refine(spans, {
    path: ['until'],
    message: 'must be another time than it begins; the whole day is 00:00 until 24:00',
    params: { mend: 'Give another time; 00:00 until 24:00 is the whole day.' },
  })
  .meta({ id: 'ContactHours' });
export type ContactHoursInput = z.output<typeof contactHoursSchema>;

export const newAbsenceSchema = z
  .strictObject({
    from: instant,
    until: instant,
    standInId: z.uuid('must be the id of a contact').nullable().default(null),
  })
  .refine(({ from, until }) => from < until, { path: ['until'], message: 'must be after its beginning' })
  .meta({ id: 'NewAbsence' });
export type NewAbsence = z.output<typeof newAbsenceSchema>;

export const absencesSchema = z
  .object({
    absences: z
      .array(
        z.object({
          id: z.uuid(),
          from: z.iso.datetime(),
          until: z.iso.datetime(),
          standInId: z.uuid().nullable(),
          standIn: z.string().nullable().describe('The name of whoever stands in'),
        }),
      )
      .describe('Those that are not over, the next first'),
  })
  .meta({ id: 'ContactAbsences' });

/** Another way to reach a contact than its mail address. */
export const newAddressSchema = z
  .strictObject({
    channel: line(40).describe('The key of a channel'),
    address: line(500),
  })
  .meta({ id: 'NewAddress' });
export type NewAddress = z.output<typeof newAddressSchema>;

export const onCallSchema = z
  .object({
    at: z.iso.datetime(),
    contacts: z
      .array(
        z.object({
          id: z.uuid(),
          name: z.string(),
          role: z.string(),
          standing: z.enum(['on_duty', 'stands_in', 'off_duty', 'away']),
          localTime: z.string().describe('On the wall where the contact is'),
        }),
      )
      .describe('In the order in which to call'),
  })
  .meta({ id: 'OnCall' });
