import { Body, Controller, Get, HttpCode, Param, Post } from '@nestjs/common';
import {
  ApiAcceptedResponse,
  ApiCreatedResponse,
  ApiNoContentResponse,
  ApiOkResponse,
  ApiOperation,
  ApiTags,
} from '@nestjs/swagger';
import { z } from 'zod';
import { Refused, refusal } from '../kernel/errors.ts';
import type { Principal } from '../kernel/principal.ts';
import { By, Idempotent, Permission, PerMinute } from '../domain/access/route.ts';
import {
  askDomainSchema,
  DomainChallenges,
  domainChallengeSchema,
  type AskDomain,
  type DomainChallengeView,
} from '../domain/parties/domain-challenges.service.ts';
import { findParty } from '../domain/parties/parties.queries.ts';
import {
  VerificationsService,
  verificationSchema,
  verifyPartySchema,
  type VerificationView,
  type VerifyParty,
} from '../domain/parties/verifications.service.ts';
import {
  offboardingSchema,
  onboardingSchema,
  reviewScopeSchema,
  startedWaySchema,
  startOffboardingSchema,
  startOnboardingSchema,
  type OffboardingView,
  type OnboardingView,
  type ReviewScope,
  type StartedWay,
  type StartOnboarding,
} from '../domain/policy/onboarding.schema.ts';
import { offboardingOf } from '../domain/policy/offboarding.queries.ts';
import { OffboardingService } from '../domain/policy/offboarding.service.ts';
import { PartnersService } from '../domain/policy/partners.service.ts';
import { OnboardingService } from '../domain/policy/onboarding.service.ts';
import { onboardingOf } from '../domain/policy/ways.queries.ts';
import { Clock } from '../platform/clock/clock.ts';
import { Transactions } from '../platform/database/transactions.ts';
import { answered } from './answered.ts';

const id = z.uuid();
const challengesSchema = z
  .object({ challenges: z.array(domainChallengeSchema) })
  .meta({ id: 'DomainChallenges' });
const verificationsSchema = z
  .object({ verifications: z.array(verificationSchema) })
  .meta({ id: 'PartyVerifications' });

@ApiTags('onboarding')
@Controller('api/v1')
export class OnboardingController {
  constructor(
    private readonly transactions: Transactions,
    private readonly onboarding: OnboardingService,
    private readonly offboarding: OffboardingService,
    private readonly clock: Clock,
    private readonly verifications: VerificationsService,
    private readonly partners: PartnersService,
    private readonly challenges: DomainChallenges,
  ) {}

  /** Starts the way into production. Whoever starts it asks for it, and can neither admit it nor open the gate. */
  @Post('integrations/:id/onboarding')
  @ApiOperation({ summary: 'Start the onboarding of an integration' })
  @Permission('portfolio:write')
  @Idempotent()
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: startedWaySchema })
  async start(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: startOnboardingSchema }) input: StartOnboarding,
    @By() by: Principal,
  ): Promise<StartedWay> {
    return answered(await this.onboarding.start(integrationId, input, by));
  }

  /** The newest one: where each step stands, and what it waits for. */
  @Get('integrations/:id/onboarding')
  @ApiOperation({ summary: 'Read how far the onboarding of an integration is' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: onboardingSchema })
  async get(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<OnboardingView> {
    const found = await this.transactions.run(by, (db) => onboardingOf(db, integrationId));
    if (!found)
      throw new Refused(refusal('not_found', 'no-onboarding', 'This integration was never onboarded here.'));
    return found;
  }

  /** A person's word on one scope. What nobody justifies stands as a finding of the gate. */
  @Post('integrations/:id/onboarding/scopes')
  @ApiOperation({ summary: 'Decide on a scope that an onboarding asks about' })
  @Permission('approvals:decide')
  @HttpCode(204)
  @ApiNoContentResponse({ description: 'Decided' })
  async scope(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: reviewScopeSchema }) review: ReviewScope,
    @By() by: Principal,
  ): Promise<void> {
    answered(await this.onboarding.reviewScope(integrationId, review, by));
  }

  /** Ends the integration: out of production at once, and retired when nothing of it can be abused any more. */
  @Post('integrations/:id/offboarding')
  @ApiOperation({ summary: 'Start the offboarding of an integration' })
  @Permission('gate:open')
  @Idempotent()
  @HttpCode(202)
  @ApiAcceptedResponse({ standardSchema: startedWaySchema })
  async end(
    @Param('id', { schema: id }) integrationId: string,
    @Body({ schema: startOffboardingSchema }) input: z.output<typeof startOffboardingSchema>,
    @By() by: Principal,
  ): Promise<StartedWay> {
    return answered(await this.offboarding.start(integrationId, input, by));
  }

  /** The newest one: where each step stands, and what cannot be shown to be over. */
  @Get('integrations/:id/offboarding')
  @ApiOperation({ summary: 'Read how far the offboarding of an integration is' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: offboardingSchema })
  async ending(
    @Param('id', { schema: id }) integrationId: string,
    @By() by: Principal,
  ): Promise<OffboardingView> {
    const found = await this.transactions.run(by, (db) => offboardingOf(db, integrationId, this.clock.now()));
    if (!found)
      throw new Refused(refusal('not_found', 'no-offboarding', 'This integration was never offboarded.'));
    return found;
  }

  /** Puts on record, with a name, that a party is who it says. */
  @Post('parties/:id/verifications')
  @ApiOperation({ summary: 'Record how a partner was verified' })
  @Permission('gate:open')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: verificationSchema })
  async verify(
    @Param('id', { schema: id }) partyId: string,
    @Body({ schema: verifyPartySchema }) input: VerifyParty,
    @By() by: Principal,
  ): Promise<VerificationView> {
    return answered(await this.partners.verify(partyId, input, by));
  }

  /** Names the TXT record that the party sets in its domain, to show that it runs it. */
  @Post('parties/:id/domain-challenges')
  @ApiOperation({ summary: 'Ask a partner to show who it is through its domain' })
  @Permission('gate:open')
  @Idempotent()
  @ApiCreatedResponse({ standardSchema: domainChallengeSchema })
  async askDomain(
    @Param('id', { schema: id }) partyId: string,
    @Body({ schema: askDomainSchema }) input: AskDomain,
    @By() by: Principal,
  ): Promise<DomainChallengeView> {
    return answered(await this.partners.askDomain(partyId, input, by));
  }

  /** Looks the record up. Where it is not there yet, the answer says which one to set. */
  @Post('parties/:id/domain-challenges/:challengeId/check')
  @ApiOperation({ summary: 'Verify a partner by the record in its domain' })
  @Permission('gate:open')
  @PerMinute(20)
  @ApiCreatedResponse({ standardSchema: verificationSchema })
  async checkDomain(
    @Param('id', { schema: id }) partyId: string,
    @Param('challengeId', { schema: id }) challengeId: string,
    @By() by: Principal,
  ): Promise<VerificationView> {
    return answered(await this.partners.checkDomain(partyId, challengeId, by));
  }

  @Get('parties/:id/domain-challenges')
  @ApiOperation({ summary: 'List the records that a partner was asked to set in its domain' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: challengesSchema })
  async listChallenges(
    @Param('id', { schema: id }) partyId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof challengesSchema>> {
    return this.transactions.run(by, async (db) => {
      if (!(await findParty(db, partyId)))
        throw new Refused(refusal('not_found', 'no-party', 'There is no such party.'));
      return { challenges: await this.challenges.list(db, partyId) };
    });
  }

  @Get('parties/:id/verifications')
  @ApiOperation({ summary: 'List how a partner was verified' })
  @Permission('policy:read')
  @ApiOkResponse({ standardSchema: verificationsSchema })
  async listVerifications(
    @Param('id', { schema: id }) partyId: string,
    @By() by: Principal,
  ): Promise<z.infer<typeof verificationsSchema>> {
    return this.transactions.run(by, async (db) => {
      if (!(await findParty(db, partyId)))
        throw new Refused(refusal('not_found', 'no-party', 'There is no such party.'));
      return { verifications: await this.verifications.list(db, partyId) };
    });
  }
}
