import { Injectable } from '@nestjs/common';
import { z } from 'zod';
import { Issuance } from '../../../domain/revocation/issuance.service.ts';
import type { Action, StepAnswer, StepContext } from '../../../domain/runbooks/action.ts';
import { system } from '../../../kernel/principal.ts';
import { SECOND } from '../../../kernel/time.ts';

const settings = z.strictObject({ credentialId: z.uuid() });
type With = z.infer<typeof settings>;

/**
 * Shows that a credential of this kind can be issued before one is issued for production: a canary at the supplier's
 * sandbox is accepted there. Where no machine can look, a person issues one and states that it worked.
 */
@Injectable()
export class SimulateIssuanceAction implements Action<With> {
  readonly name = 'simulate-issuance';
  readonly title = 'Issue a credential where nothing is at stake';
  readonly with = settings;
  readonly lease = 'short';
  readonly waitsFor = 'person';
  readonly timeout = 45 * SECOND;

  constructor(private readonly issuance: Issuance) {}

  async run(context: StepContext<With>): Promise<StepAnswer> {
    const said = await this.issuance.simulate(context.with.credentialId, {
      by: system('engine', context.correlationId),
      runId: context.runId,
      act: 'issue',
      idempotencyKey: context.idempotencyKey,
      signal: context.signal,
    });
    switch (said.outcome) {
      case 'accepted':
        return {
          answer: 'done',
          output: { canaryId: said.canaryId, actedBy: said.issuedBy, why: said.why },
          note: said.why,
        };
      case 'retry':
        return context.tries.left === 0
          ? { answer: 'parked', forWhat: said.why }
          : { answer: 'retry', reason: said.why, after: said.after };
      case 'person':
        return { answer: 'parked', forWhat: said.why };
      case 'not_found':
        return { answer: 'skipped', reason: 'the credential is no longer there' };
    }
  }
}
