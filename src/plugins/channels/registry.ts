import { MailChannel } from './mail/mail.channel.ts';

/** Every channel, in order of preference. A new one is a folder beside this file and a line here. */
export const channels = [MailChannel] as const;
