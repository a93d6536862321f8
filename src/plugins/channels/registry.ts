import { MailChannel } from './mail/mail.channel.ts';
import { SetChannel } from './set/set.channel.ts';
import { SlackChannel } from './slack/slack.channel.ts';
import { StandardWebhooksChannel } from './standard-webhooks/standard-webhooks.channel.ts';
import { TeamsChannel } from './teams/teams.channel.ts';

/** Every channel, in order of preference. A new one is a folder beside this file and a line here. */
export const channels = [
  MailChannel,
  SlackChannel,
  TeamsChannel,
  StandardWebhooksChannel,
  SetChannel,
] as const;
