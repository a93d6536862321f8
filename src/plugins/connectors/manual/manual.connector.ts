import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import type {
  Abilities,
  Capability,
  Connector,
  Revocability,
  RevokeAnswer,
  SessionsAnswer,
  Target,
} from '../../../domain/revocation/connector.ts';

export const manualSettings = z.strictObject({
  /** What the person has to do, one step a line. `{kind}` and `{supplierId}` stand for the credential's. */
  instructions: z.string().min(1).max(2000),
  /** Why nothing outlives the credential, where that is so. */
  noSessions: z.string().min(1).optional(),
});

export type ManualSettings = z.infer<typeof manualSettings>;

/**
 * A supplier that no machine can ask. A person does it and signs a statement; that is a statement, never a proof of
 * death: without a probe the credential stays unproven.
 */
@Injectable()
export class ManualConnector implements Connector<ManualSettings> {
  readonly key = 'manual';
  readonly title = 'By a person, with a signed statement';
  readonly settings = manualSettings;
  readonly capabilities: readonly Capability[] = [];

  revocability(): Revocability {
    return 'manual';
  }

  abilities(settings: ManualSettings): Abilities {
    return {
      revoke: 'no',
      probe: 'no',
      ownAuthentication: false,
      endSessions: settings.noSessions !== undefined,
      issue: 'no',
    };
  }

  revoke(target: Target<ManualSettings>): Promise<RevokeAnswer> {
    const instructions = target.settings.instructions
      .replaceAll('{kind}', () => target.credentialKind)
      .replaceAll('{supplierId}', () => target.supplierId ?? '(no id on record)');
    return Promise.resolve({ outcome: 'manual', instructions });
  }

  endSessions(target: Target<ManualSettings>): Promise<SessionsAnswer> {
    const { noSessions } = target.settings;
    return Promise.resolve(
      noSessions === undefined
        ? { outcome: 'unknown', why: 'only the supplier can say whether sessions live on' }
        : { outcome: 'none', why: noSessions },
    );
  }
}
