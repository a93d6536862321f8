import type { Principal } from '../../kernel/principal.ts';
import { MINUTE } from '../../kernel/time.ts';
import { Sweep } from '../../platform/queue/handlers.ts';
import { PublishedKeys } from './published-keys.service.ts';

/** Keeps the keys that senders publish as they publish them. */
@Sweep({ name: 'exposures.published-keys', every: MINUTE })
export class PublishedKeysSweep {
  constructor(private readonly published: PublishedKeys) {}

  sweep(by: Principal): Promise<void> {
    return this.published.refresh(by);
  }
}
