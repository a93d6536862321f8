import { z } from 'zod';
import { instant, line, listOf, whole, zone } from './fields.schema.ts';

const timeOfDay = z
  .string('must be a time of day, e.g. 08:00')
  .regex(/^(([01]\d|2[0-3]):[0-5]\d|24:00)$/, 'must be a time of day, e.g. 08:00');

/** When a contact is on duty, and when it wants quiet. */
export const contactHoursSchema = z
  .strictObject({
    zone,
    days: listOf(whole(1, 7))
      .default([1, 2, 3, 4, 5, 6, 7])
      .describe('Weekdays on which a duty begins, Monday 1 to Sunday 7'),
    from: timeOfDay.default('00:00'),
    until: timeOfDay.default('24:00').describe('Earlier than from: past midnight'),
    quiet: z
      .strictObject({ from: timeOfDay, until: timeOfDay })
      .nullable()
      .default(null)
      .describe('Notices wait until it ends, and never past their warning'),
    mostPerHour: whole(1, 1000).nullable().default(null),
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
