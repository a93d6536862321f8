import { Injectable, applyDecorators } from '@nestjs/common';
import { DiscoveryService } from '@nestjs/core';
import type { Principal } from '../../kernel/principal.ts';
import type { Millis } from '../../kernel/time.ts';
import { definedJobs, type JobDefinition } from '../outbox/definitions.ts';

export interface JobCall {
  /** The system, with the correlation id of whoever wrote the row. */
  by: Principal;
  /** 1 for the first try; a try that a worker's death cut short is not counted. */
  attempt: number;
  /** Aborts at the time limit, when the lease is lost, and when the process stops. */
  signal: AbortSignal;
}

/** Runs at least once for each row, outside any transaction. Throwing asks for another try. */
export interface Handler<P = unknown> {
  handle(payload: P, call: JobCall): Promise<void>;
}

export interface SweepSettings {
  name: string;
  /** Milliseconds between the end of one round and the start of the next. */
  every: Millis;
}

/** Looks for what is due in the tables themselves; alone carries the product when no wake-up arrives. */
export interface Sweeper {
  sweep(by: Principal): Promise<void>;
}

const Handles = DiscoveryService.createDecorator<JobDefinition<never>>();
const Sweeps = DiscoveryService.createDecorator<SweepSettings>();

/** Makes a provider the handler of a job. */
export function JobHandler<P>(
  definition: JobDefinition<P>,
): (target: new (...args: never[]) => Handler<P>) => void {
  return applyDecorators(Handles(definition as JobDefinition<never>), Injectable());
}

/** Makes a provider a sweep: run in worker processes, by one of them at a time. */
export function Sweep(settings: SweepSettings): (target: new (...args: never[]) => Sweeper) => void {
  return applyDecorators(Sweeps(settings), Injectable());
}

/** The handler of each job. @throws Error naming every job that has none, or more than one. */
export function handlersOf(
  discovery: DiscoveryService,
): Map<string, { definition: JobDefinition<never>; handler: Handler<never> }> {
  const found = new Map<string, { definition: JobDefinition<never>; handler: Handler<never> }>();
  const problems: string[] = [];
  for (const provider of discovery.getProviders({ metadataKey: Handles.KEY })) {
    const definition = discovery.getMetadataByDecorator(Handles, provider);
    if (!definition) continue;
    const known = found.get(definition.name);
    if (known && known.handler !== provider.instance) problems.push(`${definition.name} has two handlers`);
    found.set(definition.name, { definition, handler: provider.instance as Handler<never> });
  }
  for (const job of definedJobs()) if (!found.has(job.name)) problems.push(`${job.name} has no handler`);
  if (problems.length > 0) throw new Error(`queue jobs are not wired: ${problems.join('; ')}`);
  return found;
}

export function sweepsOf(discovery: DiscoveryService): { settings: SweepSettings; sweeper: Sweeper }[] {
  const found = discovery.getProviders({ metadataKey: Sweeps.KEY }).flatMap((provider) => {
    const settings = discovery.getMetadataByDecorator(Sweeps, provider);
    return settings ? [{ settings, sweeper: provider.instance as Sweeper }] : [];
  });
  const names = found.map(({ settings }) => settings.name);
  const twice = names.find((name, at) => names.indexOf(name) !== at);
  if (twice !== undefined) throw new Error(`two sweeps are named ${twice}`);
  return found;
}
