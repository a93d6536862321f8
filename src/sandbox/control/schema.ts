import { z } from 'zod';
import type { Fault } from '../ground/faults.ts';
import type { DeliveryView } from '../github/schema.ts';
import type { MailTruth } from '../mail/mail-server.ts';
import type { Deed, Person } from '../people/schema.ts';
import type { SupplierTruth } from '../suppliers/credential-book.ts';
import type { LoggedRequest } from '../ground/request-log.ts';

/** Where each inhabitant listens, on 127.0.0.1. */
export interface WorldPorts {
  control: number;
  meridian: number;
  northwind: number;
  kestrel: number;
  github: number;
  smtp: number;
}

/** What `world.json` in the world's folder holds while a world serves it; readable by its owner alone. */
export interface WorldDescriptor {
  /** The folder's own name, the same over restarts. */
  worldId: string;
  pid: number;
  startedAt: string;
  controlToken: string;
  ports: WorldPorts;
}

export interface Health {
  ok: true;
  worldId: string;
  pid: number;
  startedAt: string;
  ports: WorldPorts;
}

export interface SupplierView {
  key: string;
  title: string;
  /** How it can be asked to revoke: `oauth`, `api`, or by `mail` only. */
  asked: 'oauth' | 'api' | 'mail';
  baseUrl: string | null;
}

export interface AlertView {
  owner: string;
  repo: string;
  number: number;
  state: 'open' | 'resolved';
  resolution: string | null;
  resolutionComment: string | null;
}

/** What is really so, whatever anybody was answered. */
export interface Truth {
  suppliers: SupplierTruth[];
  github: { alerts: AlertView[]; deliveries: DeliveryView[]; requests: LoggedRequest[] };
  mail: MailTruth;
  people: { people: Omit<Person, 'token'>[]; deeds: Deed[] };
  faults: Fault[];
}

export const stateSchema = z.strictObject({
  supplier: z.string().min(1).max(40),
  /** Without ids, all of them: an emptied supplier. */
  ids: z.array(z.string().max(200)).max(100_000).optional(),
  state: z.enum(['live', 'revoked']),
});
export type StateInput = z.input<typeof stateSchema>;

export const accessSchema = z.strictObject({
  supplier: z.string().min(1).max(40),
  account: z.string().min(1).max(60).default('main'),
});

export const sessionsSchema = z.strictObject({
  supplier: z.string().min(1).max(40),
  id: z.string().min(1).max(200),
  count: z.int().min(1).max(1000).default(1),
});
