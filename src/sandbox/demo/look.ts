import type { WorldClient } from '../client.ts';
import type { Deed } from '../people/schema.ts';
import { CLEARED_PLACES, CONTACTS } from './portfolio/catalogue.ts';
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
  counts: { locations: number; locationsCleared: number };
}

/** One exposed credential version of it. */
export interface ExposedRow {
  versionId: string;
  name: string;
  supplierName: string;
  supplierId: string | null;
  authority: string;
  revocation: string;
  liveness: string | null;
  livenessAt: string | null;
}

interface RunView {
  title: string;
  nodes: { planned: boolean }[];
}

export interface Sight {
  scene: Scene;
  incident: IncidentView | null;
  exposed: ExposedRow[];
  steps: StepFact[];
  notices: NoticeRow[];
  /** Why it is not over yet; empty when nothing moves. */
  moving: string[];
  /** Changes whenever anything does. */
  signature: string;
}

/** What is not over; what waits behind something else is not asked for. */
const OPEN = ['ready', 'running', 'waiting', 'unknown', 'parked', 'failed']
  .map((state) => `&state=${state}`)
  .join('');

const NO_COPIES = { total: 0, cleared: 0 };

const HABITS = { approves: true, replaces: true } as const;

/** Looks at what one leak led to, over the public API and at the outside world's people. */
export class Look {
  private incidentId: string | null = null;

  constructor(
    private readonly product: Product,
    private readonly world: WorldClient,
    private readonly leak: Leak,
  ) {}

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
      return {
        scene: { incident: null, credentials: [], notices: [], deeds, copies: NO_COPIES },
        incident: null,
        exposed: [],
        steps: [],
        notices: [],
        moving,
        signature: String(exposures.length),
      };
    }
    const room = `/api/v1/incidents/${this.incidentId}`;
    const [incident, exposed, cases] = await Promise.all([
      this.product.get<IncidentView>(room),
      this.product.all<ExposedRow>(`${room}/credentials?limit=200`, 'credentials'),
      this.product.all<{ id: string }>(`${room}/cases?limit=200`, 'cases'),
    ]);
    const steps = await this.product.all<StepFact>(
      `/api/v1/steps?subject=${incident.id}${OPEN}&limit=200`,
      'steps',
    );
    const subjects = cases.map((one) => `&subject=${one.id}`).join('');
    const notices =
      cases.length === 0
        ? []
        : await this.product.all<NoticeRow>(`/api/v1/notices?limit=200${subjects}`, 'notices');
    const byId = new Map(notices.map((one) => [one.id, one]));
    const unheard = await this.unheard(notices, deeds);
    const habits: Habits = {
      ...HABITS,
      clears: new Set(CLEARED_PLACES),
      answering: new Set(CONTACTS.filter((one) => one.answers).map((one) => one.name)),
      gaveUp: new Set(deeds.filter((deed) => deed.kind === 'gave_up').map((deed) => deed.about)),
      unheard,
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
    if (exposed.length < this.leak.leaked.length) {
      moving.push(`${exposed.length} of ${this.leak.leaked.length} leaked credentials are in the incident`);
    }
    const rows = exposed.map((one) => this.rowOf(one));
    const scene: Scene = {
      incident: { reference: incident.reference, state: incident.state },
      credentials: rows.map((row) => ({
        label: row.label,
        supplier: row.supplier,
        authority: row.authority,
        ...stageOf(row, steps),
      })),
      notices,
      deeds,
      copies: { total: incident.counts.locations, cleared: incident.counts.locationsCleared },
    };
    const signature = JSON.stringify([
      incident.state,
      exposed.map((one) => [one.versionId, one.revocation, one.liveness]),
      incident.counts,
      steps.map((step) => [step.id, step.state, step.forWhat]),
      notices.map((one) => [one.id, one.dispatch, one.receipt, one.timeliness]),
    ]);
    return { scene, incident, exposed, steps, notices, moving, signature };
  }

  private rowOf(one: ExposedRow): CredentialRow {
    const leaked = this.leak.leaked.find((each) => each.supplierId === one.supplierId);
    return {
      versionId: one.versionId,
      label: leaked?.label ?? one.name,
      supplier: one.supplierName,
      authority: one.authority,
      revocation: one.revocation,
      liveness: one.liveness,
    };
  }

  /** Runs whose steps are not all laid out yet; asked for when nothing else moves. */
  async unplanned(): Promise<string[]> {
    const { runs } = await this.product.get<{ runs: { id: string; state: string }[] }>(
      `/api/v1/runs?subject=${this.incidentId}&state=running&limit=200`,
    );
    const found: string[] = [];
    for (const { id } of runs) {
      const run = await this.product.get<RunView>(`/api/v1/runs/${id}`);
      if (run.nodes.some((node) => !node.planned)) found.push(`${run.title} is not laid out yet`);
    }
    return found;
  }

  /** Notices whose mails were read by people who found nothing to acknowledge. */
  private async unheard(notices: readonly NoticeRow[], deeds: readonly Deed[]): Promise<Set<string>> {
    const over = new Set(
      deeds.filter((deed) => deed.kind === 'read' || deed.kind === 'gave_up').map((deed) => deed.about),
    );
    if (over.size === 0) return new Set();
    const { messages } = await this.world.mail();
    const read = new Set(
      messages.filter((mail) => over.has(mail.id)).map((mail) => mail.messageId?.replaceAll(/[<>]/g, '')),
    );
    return new Set(notices.filter((one) => read.has(one.messageId)).map((one) => one.id));
  }
}
