import {
  createHmac,
  createPrivateKey,
  generateKeyPairSync,
  sign,
  type JsonWebKey,
  type KeyObject,
} from 'node:crypto';
import { readFileSync } from 'node:fs';
import { Webhook } from 'standardwebhooks';
import type { Source } from '../../src/domain/exposures/source.ts';
import type { Outbound } from '../../src/platform/http/outbound.ts';
import { CsvSource } from '../../src/plugins/sources/csv/csv.source.ts';
import { GithubPartnerSource } from '../../src/plugins/sources/github-partner/github-partner.source.ts';
import { GithubSource } from '../../src/plugins/sources/github/github.source.ts';
import { GitguardianSource } from '../../src/plugins/sources/gitguardian/gitguardian.source.ts';
import { GitlabSource } from '../../src/plugins/sources/gitlab/gitlab.source.ts';
import { GitleaksSource } from '../../src/plugins/sources/gitleaks/gitleaks.source.ts';
import { SarifSource } from '../../src/plugins/sources/sarif/sarif.source.ts';
import { SetSource } from '../../src/plugins/sources/set/set.source.ts';
import { StandardWebhooksSource } from '../../src/plugins/sources/standard-webhooks/standard-webhooks.source.ts';
import { TrufflehogSource } from '../../src/plugins/sources/trufflehog/trufflehog.source.ts';

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
  /** A body that reports one leak, with this value where the source carries one. */
  leak(value: string): Buffer;
  carries: boolean;
  /** An authentic body that reports nothing we use. */
  other: { body: Buffer; event?: string };
  /** A body of the right form with this text somewhere inside it, as JSON. */
  around(json: string): Buffer;
  /** Nobody learns from a refusal why it is one. Not so where a protocol has codes for that. */
  silent: boolean;
  /** What it takes, though others refuse it. */
  takes?: readonly string[];
}

export const offline = {} as Outbound;

const json = (value: unknown) => Buffer.from(JSON.stringify(value));

/** What GitHub serves as its keys, and who signs with them. */
const signers = new Map<string, { identifier: string; privateKey: KeyObject }>();
function keyList(identifier: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = publicKey.export({ type: 'spki', format: 'pem' });
  const list = JSON.stringify({
    public_keys: [{ key_identifier: identifier, key, is_current: true }],
  });
  signers.set(list, { identifier, privateKey });
  return list;
}

/** The key set of a transmitter, and who signs with it. */
const transmitters = new Map<string, { kid: string; jwk: JsonWebKey }>();
export function keySet(kid: string): string {
  const { publicKey, privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const set = JSON.stringify({ keys: [{ ...publicKey.export({ format: 'jwk' }), kid, alg: 'RS256' }] });
  transmitters.set(set, { kid, jwk: privateKey.export({ format: 'jwk' }) });
  return set;
}

/** A token over exactly this text. */
export function setOver(claims: string, keys: string, header: object = {}): Buffer {
  const { kid, jwk } = transmitters.get(keys)!;
  const head = Buffer.from(JSON.stringify({ alg: 'RS256', typ: 'secevent+jwt', kid, ...header }));
  const signed = `${head.toString('base64url')}.${Buffer.from(claims).toString('base64url')}`;
  const signature = sign('sha256', Buffer.from(signed), createPrivateKey({ key: jwk, format: 'jwk' }));
  return Buffer.from(`${signed}.${signature.toString('base64url')}`);
}

export const RISC = 'https://schemas.openid.net/secevent/risc/event-type/credential-compromise';
export const CAEP = 'https://schemas.openid.net/secevent/caep/event-type/credential-change';
export const claimsOf = (events: object, more: object = {}) => ({
  iss: 'https://idp.example/',
  jti: 'jti-1',
  iat: NOW / 1000,
  aud: 'https://countersign.example',
  sub_id: { format: 'opaque', id: 'key-77' },
  events,
  ...more,
});
export const SET_KEYS = keySet('one');

const partnerKeys = keyList('id-1');
const finding = (value: string) => ({
  RuleID: 'x-token',
  Secret: value,
  Match: `token = "${value}"`,
  File: 'src/a.py',
  StartLine: 3,
  Commit: 'c0ffee',
  Date: '2026-11-21T10:00:00Z',
  Fingerprint: 'c0ffee:src/a.py:x-token:3',
});
const asFile = {
  key: '',
  otherKey: '',
  badKeys: ['anything'],
  headers: () => ({}),
  carries: true,
  silent: true,
};

export const voices: Record<string, Voice> = {
  github: {
    source: new GithubSource(offline),
    carries: true,
    silent: true,
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
      json({
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
    other: { body: Buffer.from('{"zen":"Keep it logically awesome.","hook_id":1}'), event: 'ping' },
    around: (text) =>
      Buffer.from(
        `{"action":"created","alert":{"number":7},"repository":{"full_name":"octo/repo"},"more":${text}}`,
      ),
  },
  'github-partner': {
    source: new GithubPartnerSource(),
    carries: true,
    silent: true,
    key: partnerKeys,
    otherKey: keyList('id-1'),
    badKeys: ['', '{}', '{"public_keys":[]}', '{"public_keys":[{"key_identifier":"a","key":"b"}]}'],
    headers: (body, key) => ({
      'content-type': 'application/json',
      'github-public-key-identifier': signers.get(key)!.identifier,
      'github-public-key-signature': sign('sha256', body, signers.get(key)!.privateKey).toString('base64'),
    }),
    leak: (value) =>
      json([
        { token: value, type: 'x_token', url: 'https://github.com/octo/repo/blob/c/a.txt', source: 'Commit' },
      ]),
    other: { body: Buffer.from('[]') },
    around: (text) => Buffer.from(`[{"token":"a","type":"b","url":"","more":${text}}]`),
  },
  gitguardian: {
    source: new GitguardianSource(),
    carries: false,
    silent: true,
    key: 'a signature token of some length',
    otherKey: 'another signature token, as long',
    badKeys: ['', 'short'],
    headers: (body, key, o = {}) => {
      const timestamp = String((o.at ?? NOW) / 1000);
      return {
        'content-type': 'application/json',
        timestamp,
        'gitguardian-signature': `sha256=${createHmac('sha256', `${timestamp}${key}`).update(body).digest('hex')}`,
      };
    },
    leak: () => sample('gitguardian-incident-triggered.json'),
    other: { body: json({ source: 'GitGuardian', action: 'incident_assigned', incident: { id: 1 } }) },
    around: (text) =>
      Buffer.from(
        `{"source":"GitGuardian","action":"incident_triggered","incident":{"id":1},"more":${text}}`,
      ),
  },
  gitlab: {
    source: new GitlabSource(),
    carries: false,
    silent: true,
    key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    otherKey: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    badKeys: ['', 'short', 'whsec_QUJD'],
    headers: (body, key, o = {}) => standardWebhooks(body, key, o),
    leak: () =>
      json({
        object_kind: 'vulnerability',
        object_attributes: {
          url: 'https://gitlab.com/group/sub/project/-/security/vulnerabilities/1',
          title: 'A token',
          state: 'detected',
          project_id: 50,
          location: { file: 'src/a.py', start_line: 3 },
          report_type: 'secret_detection',
          identifiers: [{ name: 'Gitleaks rule ID X', external_id: 'X token' }],
          created_at: '2026-11-21T10:00:00.413Z',
          updated_at: '2026-11-21T10:00:00.413Z',
        },
      }),
    other: { body: json({ object_kind: 'access_token', event_name: 'expiring_access_token' }) },
    around: (text) =>
      Buffer.from(
        `{"object_kind":"vulnerability","object_attributes":{"url":"https://gitlab.com/a/b/-/security/vulnerabilities/1","report_type":"secret_detection"},"more":${text}}`,
      ),
  },
  'standard-webhooks': {
    source: new StandardWebhooksSource(),
    carries: true,
    silent: true,
    key: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
    otherKey: 'whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    badKeys: ['', 'whsec_', 'whsec_QUJD', 'not base64 at all!'],
    headers: (body, key, o = {}) => standardWebhooks(body, key, o),
    leak: (value) =>
      json({
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
    other: { body: Buffer.from('{"type":"invoice.paid","data":{}}') },
    around: (text) =>
      Buffer.from(
        `{"type":"exposure.reported","data":{"reports":[{"ref":"a","sha256":"${'0'.repeat(64)}"}],"more":${text}}}`,
      ),
  },
  set: {
    source: new SetSource(offline),
    carries: false,
    silent: false,
    key: SET_KEYS,
    otherKey: keySet('one'),
    badKeys: ['', '{}', '{"keys":[]}', 'short'],
    headers: () => ({ 'content-type': 'application/secevent+jwt' }),
    leak: () => setOver(JSON.stringify(claimsOf({ [RISC]: { credential_type: 'api-key' } })), SET_KEYS),
    other: {
      body: setOver(
        JSON.stringify(
          claimsOf({ 'https://schemas.openid.net/secevent/ssf/event-type/verification': { state: 'x' } }),
        ),
        SET_KEYS,
      ),
    },
    around: (text) =>
      setOver(
        `${JSON.stringify(claimsOf({ [RISC]: { credential_type: 'api-key' } })).slice(0, -1)},"more":${text}}`,
        SET_KEYS,
      ),
  },
  gitleaks: {
    ...asFile,
    source: new GitleaksSource(),
    leak: (value) => json([finding(value)]),
    other: { body: Buffer.from('[]') },
    around: (text) => Buffer.from(`[{"RuleID":"a","Secret":"b","File":"c","More":${text}}]`),
  },
  trufflehog: {
    ...asFile,
    source: new TrufflehogSource(),
    leak: (value) =>
      json({
        SourceMetadata: { Data: { Git: { commit: 'c0ffee', file: 'a.py', line: 3, repository: 'r' } } },
        SourceName: 'trufflehog - git',
        DetectorName: 'XToken',
        DecoderName: 'PLAIN',
        Verified: true,
        Raw: value,
      }),
    other: {
      body: Buffer.from('{"level":"info-0","ts":"2026-11-22T00:00:00Z","msg":"finished scanning"}\n'),
    },
    around: (text) => Buffer.from(`{"DetectorName":"X","Verified":false,"Raw":"a","More":${text}}`),
    takes: ['nothing'],
  },
  sarif: {
    ...asFile,
    source: new SarifSource(),
    leak: (value) => {
      const region = { startLine: 3, snippet: { text: value } };
      const physicalLocation = { artifactLocation: { uri: 'a.py' }, region };
      const message = { text: `a token ${value} was found` };
      const results = [{ ruleId: 'x-token', message, locations: [{ physicalLocation }] }];
      return json({ version: '2.1.0', runs: [{ tool: { driver: { name: 'gitleaks' } }, results }] });
    },
    other: { body: json({ version: '2.1.0', runs: [{ tool: { driver: { name: 'x' } }, results: [] }] }) },
    around: (text) => Buffer.from(`{"runs":[{"tool":{"driver":{"name":"x"}},"results":[]}],"more":${text}}`),
  },
  csv: {
    ...asFile,
    source: new CsvSource(),
    leak: (value) => Buffer.from(`ref,value,kind,path,line\nleak-1,${value},x_token,src/a.py,3\n`),
    other: { body: Buffer.from('ref,value\n') },
    around: (text) => Buffer.from(text),
    takes: ['cut short'],
  },
};

function standardWebhooks(
  body: Buffer,
  key: string,
  o: { id?: string; at?: number },
): Record<string, string> {
  const id = o.id ?? 'msg_1';
  const at = o.at ?? NOW;
  return {
    'content-type': 'application/json',
    'webhook-id': id,
    'webhook-timestamp': String(Math.floor(at / 1000)),
    'webhook-signature': new Webhook(key).sign(id, new Date(at), body.toString('utf8')),
  };
}
