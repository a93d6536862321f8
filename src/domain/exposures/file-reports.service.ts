import { Inject, Injectable } from '@nestjs/common';
import { refusal, type Refusal } from '../../kernel/errors.ts';
import { system, type Principal } from '../../kernel/principal.ts';
import { err, ok, type Result } from '../../kernel/result.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { AdmittedSources, type Admitted } from './admitted-sources.ts';
import { Deliveries } from './deliveries.service.ts';
import { Quota } from './quota.ts';
import { ReportsService } from './reports.service.ts';
import { SOURCES, type Source } from './source.ts';

/** Findings of a file that stands in nobody's name but its bearer's: they are filed while that one waits. */
export const MOST_UNNAMED = 1000;

const FILES_PER_HOUR = 600;

/** Where a file goes. */
export interface Tray {
  kind: Source;
  /** Bytes. */
  limit: number;
  /** In whose name it is filed; null: its bearer's. */
  source: Admitted | null;
}

export interface FileTaken {
  event: string;
  reports: number;
  /** In the name of a source: what the delivery log calls it. */
  deliveryId: string | null;
  /** Why it reported nothing. */
  acknowledged: string | null;
}

/** Takes reports of scanners that somebody hands in as files: gitleaks, TruffleHog, SARIF, CSV, GitLab's artifact. */
@Injectable()
export class FileReports {
  readonly #quota = new Quota();

  constructor(
    @Inject(SOURCES) private readonly sources: readonly Source[],
    private readonly admitted: AdmittedSources,
    private readonly deliveries: Deliveries,
    private readonly reports: ReportsService,
    private readonly transactions: Transactions,
    private readonly clock: Clock,
  ) {}

  /** The kinds that a file may have. */
  kinds(): { key: string; title: string }[] {
    return this.sources.filter((kind) => kind.readFile).map(({ key, title }) => ({ key, title }));
  }

  /** Before a byte of it is read. @param sourceKey the source in whose name it is filed; of another party there is none */
  async tray(kindKey: string, sourceKey: string | undefined, by: Principal): Promise<Result<Tray, Refusal>> {
    const kind = this.sources.find(({ key, readFile }) => key === kindKey && readFile);
    if (!kind) {
      const known = this.kinds().map(({ key }) => key);
      return err(invalid('kind', 'is no kind of file that is read', `Choose one of ${known.join(', ')}.`));
    }
    if (sourceKey === undefined) return ok({ kind, limit: kind.bodyLimit, source: null });
    const source = await this.transactions.run(system('intake', by.correlationId), (db) =>
      this.admitted.find(db, { key: sourceKey }),
    );
    const own = source && (by.partyId === null || source.partyId === by.partyId);
    if (!source || !own)
      return err(refusal('not_found', 'no-such-source', 'There is no source of this key.'));
    if (!source.active) return err(refusal('conflict', 'source-switched-off', 'The source is switched off.'));
    if (source.kind !== kind)
      return err(invalid('source', `is of the kind ${source.kind.key}`, 'Name a source of the file’s kind.'));
    return ok({ kind, limit: source.bodyLimit, source });
  }

  async take(tray: Tray, body: Buffer, by: Principal): Promise<Result<FileTaken, Refusal>> {
    const { kind, limit, source } = tray;
    if (body.length > limit)
      return err(refusal('too_large', 'delivery-too-large', `The file is larger than ${limit} bytes.`));
    const now = this.clock.now();
    const wait = this.#quota.take(`${by.kind}:${by.id}`, 1, FILES_PER_HOUR, now);
    if (wait !== undefined) {
      return err(
        refusal('too_many', 'too-many-files', `More than ${FILES_PER_HOUR} files in an hour.`, {
          retryAfter: wait,
        }),
      );
    }
    const read = kind.readFile!(body);
    if (!read.ok) return read;
    const { event, reports, acknowledged } = read.value;
    const taken: FileTaken = {
      event,
      reports: reports.length,
      deliveryId: null,
      acknowledged: acknowledged ?? null,
    };
    if (source) {
      const as = system('intake', by.correlationId);
      const kept = await this.deliveries.keep(
        source,
        { deliveryId: null, read: read.value, body, via: 'file' },
        { as, by, now },
      );
      for (const { value } of reports) value?.wipe();
      return kept.ok ? ok({ ...taken, deliveryId: kept.value.deliveryId }) : kept;
    }
    if (reports.length === 0) return ok(taken);
    if (reports.length > MOST_UNNAMED) {
      const mend = 'Split it, or file it in the name of a source.';
      return err(invalid('body', `holds more than ${MOST_UNNAMED} findings`, mend));
    }
    const filed = await this.reports.take(reports, by);
    return filed.ok ? ok(taken) : filed;
  }
}

function invalid(field: string, problem: string, mend: string): Refusal {
  return refusal('invalid', 'bad-file', 'The file cannot be taken.', { fields: [{ field, problem, mend }] });
}
