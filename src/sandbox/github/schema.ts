import { z } from 'zod';

const name = z.string().regex(/^[A-Za-z0-9_.-]{1,100}$/);

/** The 13 places in which GitHub finds a secret. */
export const LOCATION_TYPES = [
  'commit',
  'wiki_commit',
  'issue_title',
  'issue_body',
  'issue_comment',
  'discussion_title',
  'discussion_body',
  'discussion_comment',
  'pull_request_title',
  'pull_request_body',
  'pull_request_comment',
  'pull_request_review',
  'pull_request_review_comment',
] as const;

export const locationSchema = z.strictObject({
  type: z.enum(LOCATION_TYPES).default('commit'),
  path: z.string().min(1).max(500).default('config/settings.env'),
  line: z.int().min(1).default(1),
});

export const alertSchema = z.strictObject({
  owner: name.default('brightwater-retail'),
  repo: name,
  secret: z.string().min(1).max(10_000),
  secretType: z
    .string()
    .regex(/^[a-z0-9_]{1,100}$/)
    .default('generic_api_key'),
  secretTypeName: z.string().max(200).optional(),
  validity: z.enum(['active', 'inactive', 'unknown']).default('unknown'),
  publiclyLeaked: z.boolean().default(false),
  multiRepo: z.boolean().default(false),
  locations: z.array(locationSchema).min(1).max(100).prefault([{}]),
});
export type AlertInput = z.input<typeof alertSchema>;
export type AlertOrder = z.output<typeof alertSchema>;

export const hookSchema = z.strictObject({
  url: z.url().max(500),
  secret: z.string().min(1).max(500),
  /** Whether resolving an alert over the API sends a delivery of its own, as GitHub does. */
  announceResolutions: z.boolean().default(false),
});
export type HookInput = z.input<typeof hookSchema>;

export const deliverySchema = z.strictObject({
  owner: name.default('brightwater-retail'),
  repo: name,
  number: z.int().min(1),
  event: z.enum(['secret_scanning_alert', 'secret_scanning_alert_location']).default('secret_scanning_alert'),
  /** `created`, `reopened`, `resolved`, `publicly_leaked`, `validated` …; GitHub adds new ones. */
  action: z
    .string()
    .regex(/^[a-z_]{1,60}$/)
    .default('created'),
  /** GitHub's schema has neither secret nor state in the alert; older servers send both. */
  withSecret: z.boolean().default(false),
  /** Which location a location event tells of. */
  location: z.int().min(0).default(0),
  /** For trials of the receiver: a signature made with another key, none at all, or a body changed after signing. */
  spoil: z.enum(['signature', 'unsigned', 'body']).optional(),
  /** For trials of the receiver: the delivery id of an earlier delivery. */
  guid: z.uuid().optional(),
});
export type DeliveryInput = z.input<typeof deliverySchema>;
export type DeliveryOrder = z.output<typeof deliverySchema>;

/** One attempt to hand a delivery over, and what the receiver said. */
export interface DeliveryAttempt {
  /** UTC milliseconds. */
  at: number;
  redelivery: boolean;
  status: number | null;
  failure: string | null;
  milliseconds: number;
  /** The beginning of the answer. */
  answer: string;
}
export interface DeliveryView {
  guid: string;
  event: string;
  action: string;
  alert: string;
  withSecret: boolean;
  attempts: DeliveryAttempt[];
}
