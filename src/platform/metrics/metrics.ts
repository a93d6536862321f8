import { Counter, Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

/** The process's measurements in Prometheus's text format. One per application, so that tests do not share counts. */
export class Metrics {
  readonly registry = new Registry();

  /** Adds the process's own figures: memory, event loop, CPU. */
  withProcess(): this {
    collectDefaultMetrics({ register: this.registry });
    return this;
  }

  /** The counter of that name, made at its first use. */
  counter<L extends string>(name: string, help: string, labels: readonly L[] = []): Counter<L> {
    const known = this.registry.getSingleMetric(name);
    return known
      ? (known as Counter<L>)
      : new Counter<L>({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  gauge<L extends string>(name: string, help: string, labels: readonly L[] = []): Gauge<L> {
    const known = this.registry.getSingleMetric(name);
    return known
      ? (known as Gauge<L>)
      : new Gauge<L>({ name, help, labelNames: [...labels], registers: [this.registry] });
  }

  /** @param buckets upper bounds, in seconds */
  histogram<L extends string>(
    name: string,
    help: string,
    labels: readonly L[] = [],
    buckets: number[] = [0.005, 0.02, 0.1, 0.5, 2, 10, 60],
  ): Histogram<L> {
    const known = this.registry.getSingleMetric(name);
    return known
      ? (known as Histogram<L>)
      : new Histogram<L>({ name, help, labelNames: [...labels], buckets, registers: [this.registry] });
  }
}
