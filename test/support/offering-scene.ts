import { expect } from '@jest/globals';
import type { VersionView } from '../../src/domain/responsibility/matrix.schema.ts';
import type {
  OfferingView,
  TargetDiff,
  TargetLine,
} from '../../src/domain/responsibility/offering.schema.ts';
import { newId, type Id } from '../../src/kernel/ids.ts';
import { until, type TestApp } from './app.ts';
import type { MailServer } from './mail-server.ts';
import { person } from './matrix-scene.ts';
import { signByMail, signHere } from './matrix-signing.ts';
import { OfferingParties, type Customer } from './offering-parties.ts';
import type { caller } from './portfolio.ts';

const TERMS = {
  validUntil: null,
  reviewOn: null,
  prevailingLanguage: 'en',
  authority: 'approve_within',
  approveWithinMinutes: 30,
  approveOtherwise: 'act',
  containmentSteps: [],
  drillEveryDays: 90,
  terms: [
    {
      direction: 'to_party',
      trigger: 'confirmed',
      startEvent: 'confirmed',
      window: { count: 24, unit: 'elapsed-hours' },
      recipients: ['security'],
    },
  ],
};

/** Offerings to customers, over the API and by mail, as both sides go through them. */
export class OfferingScene {
  readonly parties: OfferingParties;

  constructor(
    private readonly world: TestApp,
    private readonly mail: MailServer,
    private readonly call: ReturnType<typeof caller>,
  ) {
    this.parties = new OfferingParties(world.sql, () => world.clock.date());
  }

  customer(roles?: readonly string[]): Promise<Customer> {
    return this.parties.customer(roles);
  }

  /** One with terms, its first version published. */
  async published(): Promise<OfferingView> {
    const made = await this.call('POST', '/api/v1/offerings', {
      body: { name: `Payments ${newId().slice(-6)}`, template: 'supplier-issues' },
    });
    expect(made).toMatchObject({ status: 201, body: { rowVersion: 1, leftOut: [] } });
    const url = `/api/v1/offerings/${made.body.id}`;
    const termed = await this.call('PATCH', url, { body: { terms: TERMS }, ifMatch: 1 });
    expect(termed).toMatchObject({ status: 200 });
    const version = await this.call('POST', `${url}/versions`, { ifMatch: 2 });
    expect(version).toMatchObject({ status: 201, body: { number: 1 } });
    return (await this.call('GET', url)).body as OfferingView;
  }

  async targets(id: Id): Promise<TargetLine[]> {
    return (await this.call('GET', `/api/v1/offerings/${id}/targets`)).body.targets;
  }

  async target(id: Id, one: Customer): Promise<TargetLine | undefined> {
    return (await this.targets(id)).find(({ integrationId }) => integrationId === one.integration);
  }

  async diff(id: Id, one: Customer): Promise<TargetDiff> {
    return (await this.call('GET', `/api/v1/offerings/${id}/targets/${one.integration}`)).body;
  }

  async view(versionId: Id): Promise<VersionView> {
    return (await this.call('GET', `/api/v1/matrices/${versionId}`)).body;
  }

  /** Proposes it to customers, and waits until each has an outcome. */
  async propose(offering: Id, ...to: Customer[]) {
    const answer = await this.call('POST', `/api/v1/offerings/${offering}/proposals`, {
      body: { integrationIds: to.map(({ integration }) => integration) },
    });
    expect(answer.status).toBe(202);
    await until(
      async () => (await this.targets(offering)).every(({ standing }) => standing !== 'queued'),
      'every customer has an outcome',
    );
    return answer.body as {
      version: number;
      targets: { outcome: string; problem: { code: string } | null }[];
    };
  }

  async customerSigns(one: Customer, versionId: Id): Promise<void> {
    const { shown } = await signByMail(this.world, this.mail, one.mail, await this.view(versionId), 'en');
    expect(shown.terms?.text).toContain('within 24 hours');
  }

  async weSign(versionId: Id): Promise<void> {
    const olga = await person(this.world, 'Olga', 'contract_owner');
    await signHere(this.world, versionId, await this.view(versionId), olga);
  }
}
