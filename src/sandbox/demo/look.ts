import type { WorldClient } from '../client.ts';
import type { Deed } from '../people/schema.ts';
import { CONTACTS, SUPPLIER_FACTS, provableAt } from './portfolio/catalogue.ts';
import type { SupplierKey } from './portfolio/catalogue.ts';
import type { Product } from './product.ts';
import { movesBecause, stageOf } from './scene.rules.ts';
import type { CredentialRow, Habits, NoticeRow, Scene, StepFact } from './scene.rules.ts';
import type { Leak } from './story.ts';

interface ExposureRow {
  state: string;
  place: string | null;
  versionId: string | null;
  incidentId: string | null;
  incidentReference: string | null;
}

/** What the product's API shows of the incident that a leak led to. */
export interface IncidentView {
  id: string;
  reference: string;
  state: string;
  openedAt: string;
  credentials: {
    versionId: string;
    credentialName: string;
    supplierId: string | null;
    authority: string;
    liveness: string | null;
    provenDeadAt: string | null;
  }[];
  cases: { id: string }[];
  copies: { total: number; cleared: number };
}

export interface Sight {
  scene: Scene;
  incident: IncidentView | null;
  steps: StepFact[];
  notices: NoticeRow[];
  /** Why it is not over yet; empty when nothing moves. */
  moving: string[];
  /** Changes whenever anything does. */
  signature: string;
}

const HABITS = { approves: true, replaces: true } as const;

/** Looks at what one leak led to, over the public API and at the outside world's people. */
export class Look {
  private incidentId: string | null = null;
  private readonly deedsBefore: number;

  constructor(
    private readonly product: Product,
    private readonly world: WorldClient,
    private readonly leak: Leak,
    deedsBefore = 0,
  ) {
    this.deedsBefore = deedsBefore;
  }

  async sight(): Promise<Sight> {
    const exposures = await this.product.all<ExposureRow>('/api/v1/exposures?limit=200', 'exposures');
    const here = exposures.filter((one) => one.place?.includes(this.leak.repo));
    this.incidentId ??= here.find((one) => one.incidentId !== null)?.incidentId ?? null;
    const { deeds } = await this.world.people();
    const moving = exposures
      .filter((one) => !['accepted', 'triage', 'dismissed'].includes(one.state))
      .map((one) => `a report is ${one.state}`);
    if (this.incidentId === null) {
      moving.push('nothing has become an incident yet');
      const scene = {
        incident: null,
        credentials: [],
        notices: [],
        deeds: this.recent(deeds),
        copies: { total: 0, cleared: 0 },
      };
      return {
        scene,
        incident: null,
        steps: [],
        notices: [],
        moving,
        signature: exposures.length.toString(),
      };
    }
    const incident = await this.product.get<IncidentView>(`/api/v1/incidents/${this.incidentId}`);
    const steps = await this.product.all<StepFact>(`/api/v1/steps?subject=${incident.id}&limit=200`, 'steps');
    const subjects = incident.cases.map((one) => `&subject=${one.id}`).join('');
    const notices =
      incident.cases.length === 0
        ? []
        : await this.product.all<NoticeRow>(`/api/v1/notices?limit=200${subjects}`, 'notices');
    const byId = new Map(notices.map((one) => [one.id, one]));
    const habits: Habits = {
      ...HABITS,
      answering: new Set(CONTACTS.filter((one) => one.answers).map((one) => one.name)),
      gaveUp: new Set(deeds.filter((deed) => deed.kind === 'gave_up').map((deed) => deed.about)),
    };
    const now = Date.now();
    for (const step of steps) {
      const why = movesBecause(step, byId, habits, now);
      if (why !== null) moving.push(`${step.title}${step.item ? ` (${step.item.label})` : ''}: ${why}`);
    }
    for (const notice of notices) {
      if (notice.dispatch === 'owed' || notice.dispatch === 'attempting')
        moving.push(`${notice.reference} is not sent yet`);
    }
    if (incident.credentials.length < this.leak.leaked.length) {
      moving.push(
        `${incident.credentials.length} of ${this.leak.leaked.length} leaked credentials are in the incident`,
      );
    }
    const rows = incident.credentials.map((one) => this.rowOf(one));
    const scene: Scene = {
      incident: { reference: incident.reference, state: incident.state },
      credentials: rows.map((row) => ({
        label: row.label,
        supplier: row.supplier,
        authority: row.authority,
        ...stageOf(row, steps),
      })),
      notices,
      deeds: this.recent(deeds),
      copies: incident.copies,
    };
    const signature = JSON.stringify([
      incident.state,
      incident.credentials,
      incident.copies,
      steps.map((step) => [step.id, step.state, step.forWhat]),
      notices.map((one) => [one.id, one.dispatch, one.receipt, one.timeliness]),
    ]);
    return { scene, incident, steps, notices, moving, signature };
  }

  private rowOf(one: IncidentView['credentials'][number]): CredentialRow {
    const leaked = this.leak.leaked.find((each) => each.supplierId === one.supplierId);
    const supplier = (leaked?.supplier ?? '') as SupplierKey;
    return {
      versionId: one.versionId,
      label: leaked?.label ?? one.credentialName,
      supplier: SUPPLIER_FACTS[supplier]?.name ?? '',
      authority: one.authority,
      provable: provableAt(supplier),
      liveness: one.liveness,
      provenAt: one.provenDeadAt === null ? null : Date.parse(one.provenDeadAt),
    };
  }

  private recent(deeds: readonly Deed[]): Deed[] {
    return deeds.slice(this.deedsBefore);
  }
}
