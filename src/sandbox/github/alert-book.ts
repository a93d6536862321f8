import { join } from 'node:path';
import { Journal } from '../ground/journal.ts';
import { RequestLog } from '../ground/request-log.ts';
import type { RequestRecord } from '../ground/request-log.ts';
import { randomText, sha256 } from '../ground/sealing.ts';
import type { Sealing } from '../ground/sealing.ts';
import type { AlertOrder, DeliveryAttempt, DeliveryView } from './schema.ts';

export type Resolution = 'false_positive' | 'wont_fix' | 'revoked' | 'used_in_tests';

/** A secret scanning alert. What was found is sealed. */
export interface Alert extends Omit<AlertOrder, 'secret'> {
  number: number;
  sealedSecret: string;
  /** UTC milliseconds. */
  createdAt: number;
  updatedAt: number;
  state: 'open' | 'resolved';
  resolution: Resolution | null;
  resolutionComment: string | null;
  resolvedAt: number | null;
}

/** A delivery with its exact bytes, so that a redelivery is the same. */
export interface Delivery extends DeliveryView {
  sealedBody: string;
  signature: string | null;
}

interface Hook {
  url: string;
  sealedSecret: string;
  announceResolutions: boolean;
}

type GithubRecord =
  | RequestRecord
  | { t: 'token'; sha256: string }
  | { t: 'hook'; hook: Hook }
  | { t: 'alert'; alert: Alert }
  | { t: 'delivery'; delivery: Delivery }
  | { t: 'attempt'; guid: string; attempt: DeliveryAttempt };

const KEEP_DELIVERIES = 50_000;

/** What the code host keeps: tokens, its one webhook, alerts, deliveries and their attempts. */
export class AlertBook {
  readonly log = new RequestLog();
  journal: Journal<GithubRecord>;
  private readonly tokens = new Set<string>();
  private readonly alerts = new Map<string, Alert>();
  private readonly counters = new Map<string, number>();
  private readonly sent = new Map<string, Delivery>();
  private webhook: Hook | null = null;

  private constructor(private readonly sealing: Sealing) {}

  static async open(dir: string, sealing: Sealing): Promise<AlertBook> {
    const book = new AlertBook(sealing);
    book.journal = await Journal.open<GithubRecord>(join(dir, 'github.jsonl'), {
      replay: (record) => book.apply(record),
    });
    return book;
  }

  close(): Promise<void> {
    return this.journal.close();
  }

  async issueToken(): Promise<string> {
    const token = `github_pat_${randomText(22)}_${randomText(59)}`;
    await this.write({ t: 'token', sha256: sha256(token) });
    return token;
  }

  knowsToken(token: string | null): boolean {
    return token !== null && this.tokens.has(sha256(token));
  }

  hook(): { url: string; secret: string; announceResolutions: boolean } | null {
    if (!this.webhook) return null;
    const { sealedSecret, ...rest } = this.webhook;
    return { ...rest, secret: this.sealing.unseal(sealedSecret) };
  }

  async setHook(hook: { url: string; secret: string; announceResolutions: boolean }): Promise<void> {
    const { secret, ...rest } = hook;
    await this.write({ t: 'hook', hook: { ...rest, sealedSecret: this.sealing.seal(secret) } });
  }

  async raise(order: AlertOrder): Promise<Alert> {
    const { secret, ...rest } = order;
    const now = Date.now();
    const alert: Alert = {
      ...rest,
      number: (this.counters.get(repoKey(order)) ?? 0) + 1,
      sealedSecret: this.sealing.seal(secret),
      createdAt: now,
      updatedAt: now,
      state: 'open',
      resolution: null,
      resolutionComment: null,
      resolvedAt: null,
    };
    await this.write({ t: 'alert', alert });
    return alert;
  }

  alert(owner: string, repo: string, number: number): Alert | null {
    return this.alerts.get(`${repoKey({ owner, repo })}#${number}`) ?? null;
  }

  list(owner: string, repo: string): Alert[] {
    return [...this.alerts.values()].filter((alert) => repoKey(alert) === repoKey({ owner, repo }));
  }

  all(): Alert[] {
    return [...this.alerts.values()];
  }

  secretOf(alert: Alert): string {
    return this.sealing.unseal(alert.sealedSecret);
  }

  async update(alert: Alert): Promise<void> {
    await this.write({ t: 'alert', alert: { ...alert, updatedAt: Date.now() } });
  }

  delivery(guid: string): Delivery | null {
    return this.sent.get(guid) ?? null;
  }

  deliveries(): DeliveryView[] {
    return [...this.sent.values()].map(viewOf);
  }

  bodyOf(delivery: Delivery): Buffer {
    return Buffer.from(this.sealing.unseal(delivery.sealedBody), 'utf8');
  }

  async keepDelivery(
    view: Omit<DeliveryView, 'attempts'>,
    body: string,
    signature: string | null,
  ): Promise<Delivery> {
    const delivery = { ...view, attempts: [], signature, sealedBody: this.sealing.seal(body) };
    await this.write({ t: 'delivery', delivery });
    return delivery;
  }

  async keepAttempt(guid: string, attempt: DeliveryAttempt): Promise<void> {
    await this.write({ t: 'attempt', guid, attempt });
  }

  private async write(record: GithubRecord): Promise<void> {
    this.apply(record);
    await this.journal.append(record);
  }

  private apply(record: GithubRecord): void {
    switch (record.t) {
      case 'request':
      case 'answer':
        return this.log.replay(record);
      case 'token':
        this.tokens.add(record.sha256);
        return;
      case 'hook':
        this.webhook = record.hook;
        return;
      case 'alert': {
        const key = repoKey(record.alert);
        this.alerts.set(`${key}#${record.alert.number}`, record.alert);
        this.counters.set(key, Math.max(this.counters.get(key) ?? 0, record.alert.number));
        return;
      }
      case 'delivery': {
        this.sent.set(record.delivery.guid, { ...record.delivery, attempts: [] });
        const oldest = this.sent.size > KEEP_DELIVERIES ? this.sent.keys().next().value : undefined;
        if (oldest !== undefined) this.sent.delete(oldest);
        return;
      }
      case 'attempt':
        this.sent.get(record.guid)?.attempts.push(record.attempt);
    }
  }
}

/** Without what the receiver alone may see. */
export function viewOf(delivery: Delivery): DeliveryView {
  const { sealedBody: _, signature: __, ...view } = delivery;
  return view;
}

const repoKey = (o: { owner: string; repo: string }): string => `${o.owner}/${o.repo}`.toLowerCase();
