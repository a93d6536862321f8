import { Injectable } from '@nestjs/common';
import type { Channel, DeliveryAnswer, OutgoingMessage } from '../../../domain/notices/channel.ts';
import type { Millis } from '../../../kernel/time.ts';
import { isMailAddress } from '../../../platform/mail/address.ts';
import { Mailer } from '../../../platform/mail/mailer.ts';

/** Mail over SMTP: accepted means that the server answered 250 after the whole message. */
@Injectable()
export class MailChannel implements Channel {
  readonly key = 'mail';
  readonly title = 'Mail';

  constructor(private readonly mailer: Mailer) {}

  accepts(address: string): boolean {
    return isMailAddress(address);
  }

  send(message: OutgoingMessage, call: { signal: AbortSignal; now(): Millis }): Promise<DeliveryAnswer> {
    return this.mailer.send(message, call.signal);
  }
}
