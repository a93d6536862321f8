import { createHmac } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import type { Source } from '../../src/domain/exposures/source.ts';
import type { Outbound } from '../../src/platform/http/outbound.ts';
import { GithubSource } from '../../src/plugins/sources/github/github.source.ts';
import { StandardWebhooksSource } from '../../src/plugins/sources/standard-webhooks/standard-webhooks.source.ts';

export const NOW = Date.parse('2026-11-22T02:00:00Z');
export const CANARY = 'CANARY-tok_live_7f3a9b2c4d5e6f70';

// Origin of both: see test/support/samples/README.md.
export const sample = (name: string) => readFileSync(new URL(`./samples/${name}`, import.meta.url));

/** How to speak as one kind of source. A registered source without an entry here fails the suite. */
export interface Voice {
  source: Source;
  key: string;
  otherKey: string;
  badKeys: string[];
  headers(
    body: Buffer,
    key: string,
    o?: { id?: string; event?: string; at?: number },
  ): Record<string, string>;
  /** A body that reports one leak with this value. */
  leak(value: string): Buffer;
  /** An authentic body that reports nothing we use. */
  other: { body: Buffer; event?: string };
  /** A body of the right form with this text somewhere inside it, as JSON. */
  around(json: string): Buffer;
}

export const offline = {} as Outbound;
export const voices: Record<string, Voice> = {
  github: {
    source: new GithubSource(offline),
    key: "It's a Secret to Everybody",
    otherKey: 'another secret altogether',
    badKeys: ['', 'short'],
    headers: (body, key, o = {}) => ({
      'content-type': 'application/json',
      'x-github-event': o.event ?? 'secret_scanning_alert',
      'x-github-delivery': o.id ?? '72d3162e-cc78-11e3-81ab-4c9367dc0958',
      'x-hub-signature-256': `sha256=${createHmac('sha256', key).update(body).digest('hex')}`,
    }),
    leak: (value) =>
      Buffer.from(
        JSON.stringify({
          action: 'created',
          alert: {
            number: 7,
            created_at: '2026-11-22T01:00:00Z',
            updated_at: '2026-11-22T01:00:01Z',
            secret: value,
            secret_type: 'x_token',
            validity: 'active',
          },
          repository: { full_name: 'octo/repo' },
        }),
      ),
    other: { body: Buffer.from('{"zen":"Keep it logically awesome.","hook_id":1}'), event: 'ping' },
    around: (json) =>
      Buffer.from(
        `{"action":"created","alert":{"number":7},"repository":{"full_name":"octo/repo"},"more":${json}}`,
      ),
  },
  'standard-webhooks': {
    source: new StandardWebhooksSource(),
    key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    otherKey: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    badKeys: ['', 'whsec_', 'whsec_QUJD', 'not base64 at all!'],
    headers: (body, key, o = {}) => {
      const id = o.id ?? 'msg_1';
      const at = o.at ?? NOW;
      return {
        'content-type': 'application/json',
        'webhook-id': id,
        'webhook-timestamp': String(Math.floor(at / 1000)),
        'webhook-signature': new Webhook(key).sign(id, new Date(at), body.toString('utf8')),
      };
    },
    leak: (value) =>
      Buffer.from(
        JSON.stringify({
          type: 'exposure.reported',
          data: {
            reports: [
              {
                ref: 'leak-1',
                value,
                kind: 'x_token',
                place: 'paste:1',
                foundAt: [{ type: 'paste', url: 'https://paste.example/1' }],
              },
            ],
          },
        }),
      ),
    other: { body: Buffer.from('{"type":"invoice.paid","data":{}}') },
    around: (json) =>
      Buffer.from(
        `{"type":"exposure.reported","data":{"reports":[{"ref":"a","sha256":"${'0'.repeat(64)}"}],"more":${json}}}`,
      ),
  },
};
