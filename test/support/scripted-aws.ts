import { createHash, createHmac } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Asked, Dialect, Issued, Reply } from './scripted-supplier.ts';

/** AWS as its documentation describes it, scripted: it is not run here. Signatures are checked in full. */

export const OUR_KEY = { id: 'AKIAOURSOURSOURSOURS', secret: 'our-own-secret-access-key-0123456789ABCD' };

interface Signed {
  method: string;
  path: string;
  headers: IncomingMessage['headers'];
  body: string;
}

const sha256 = (text: string) => createHash('sha256').update(text, 'utf8').digest('hex');
const hmac = (key: string | Buffer, text: string) => createHmac('sha256', key).update(text, 'utf8').digest();

/** The key id that a request names; null: it is not signed as Signature Version 4 says. */
export function keyIdOf(headers: IncomingMessage['headers']): string | null {
  return (
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/\d{8}\/[^/]+\/[^/]+\/aws4_request, /.exec(
      headers.authorization ?? '',
    )?.[1] ?? null
  );
}

/** Whether the signature is that of the request under this secret, for this service and region. */
export function isSignedBy(request: Signed, secret: string, service: string, region: string): boolean {
  const { headers } = request;
  const parts =
    /^AWS4-HMAC-SHA256 Credential=[^/]+\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, SignedHeaders=([^,]+), Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  const [, day = '', itsRegion, itsService, names = '', signature] = parts ?? [];
  const at = String(headers['x-amz-date'] ?? '');
  if (itsRegion !== region || itsService !== service || !at.startsWith(day)) return false;
  if (!names.split(';').includes('host')) return false;
  const canonical = [
    request.method,
    request.path,
    '',
    ...names.split(';').map((name) => `${name}:${String(headers[name] ?? '').trim()}`),
    '',
    names,
    sha256(request.body),
  ].join('\n');
  const scope = `${day}/${region}/${service}/aws4_request`;
  const key = [day, region, service, 'aws4_request'].reduce<string | Buffer>(hmac, `AWS4${secret}`);
  const toSign = ['AWS4-HMAC-SHA256', at, scope, sha256(canonical)].join('\n');
  return hmac(key, toSign).toString('hex') === signature;
}

const xml = (text: string, status = 200): Reply => ({
  status,
  body: text,
  headers: { 'content-type': 'text/xml' },
});
const error = (status: number, code: string): Reply =>
  xml(
    `<ErrorResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><Error><Type>Sender</Type><Code>${code}</Code><Message>no</Message></Error><RequestId>r</RequestId></ErrorResponse>`,
    status,
  );
const answer = (action: string, inside = '') =>
  xml(
    `<${action}Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/">${inside === '' ? '' : `<${action}Result>${inside}</${action}Result>`}<ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></${action}Response>`,
  );

/** Every issued key is one of the user `shop`; `live` is its status. What is deleted is no longer among the issued. */
export class ScriptedIam implements Dialect {
  readonly admin = { access_key_id: OUR_KEY.id, secret_access_key: OUR_KEY.secret };
  /** How many times STS says of a good signature that it does not match. */
  mismatches = 0;
  lastUsed: string | null = '2026-11-20T10:00:00Z';
  idOf = (name: string, n: number): string => `AKIA${name.toUpperCase()}${n}`.padEnd(20, 'X');

  answer(
    request: Parameters<Dialect['answer']>[0],
    supplier: Parameters<Dialect['answer']>[1],
  ): { kind: Asked['kind']; issued: Issued | null; reply: Reply; revokes?: Issued } | null {
    if (request.method !== 'POST' || request.path !== '/') return null;
    const { form } = request;
    const action = form.get('Action') ?? '';
    const id = keyIdOf(request.headers);
    const signer = id === OUR_KEY.id ? OUR_KEY : supplier.byId(id ?? '');
    const secret = signer && ('secret' in signer ? signer.secret : signer.value);
    if (action === 'GetCallerIdentity') {
      const issued = signer && 'live' in signer ? signer : null;
      const kind = id === OUR_KEY.id ? 'own' : 'probe';
      if (!signer || !secret || issued?.live === false)
        return { kind, issued, reply: error(403, 'InvalidClientTokenId') };
      if (this.mismatches > 0 || !isSignedBy(request, secret, 'sts', 'us-east-1')) {
        this.mismatches--;
        return { kind, issued, reply: error(403, 'SignatureDoesNotMatch') };
      }
      const arn = 'arn:aws:iam::123456789012:user/shop';
      const who = `<Arn>${arn}</Arn><UserId>AIDA</UserId><Account>123456789012</Account>`;
      return { kind, issued, reply: answer(action, who) };
    }
    const issued = supplier.byId(form.get('AccessKeyId') ?? '');
    const kind = action === 'UpdateAccessKey' ? 'revoke' : 'other';
    const says = (reply: Reply) => ({ kind, issued, reply }) as const;
    if (id !== OUR_KEY.id) return says(error(403, 'InvalidClientTokenId'));
    if (!isSignedBy(request, OUR_KEY.secret, 'iam', 'us-east-1'))
      return says(error(403, 'SignatureDoesNotMatch'));
    const isShop = form.get('UserName') === 'shop';
    switch (action) {
      case 'GetAccessKeyLastUsed': {
        if (!issued) return says(error(404, 'NoSuchEntity'));
        const date = this.lastUsed === null ? '' : `<LastUsedDate>${this.lastUsed}</LastUsedDate>`;
        const used = `${date}<ServiceName>s3</ServiceName><Region>eu-west-1</Region>`;
        return says(
          answer(action, `<UserName>shop</UserName><AccessKeyLastUsed>${used}</AccessKeyLastUsed>`),
        );
      }
      case 'UpdateAccessKey': {
        if (!issued || !isShop) return says(error(404, 'NoSuchEntity'));
        const off = form.get('Status') === 'Inactive';
        return { ...says(answer(action)), ...(off ? { revokes: issued } : {}) };
      }
      case 'DeleteAccessKey': {
        if (!issued || !isShop) return says(error(404, 'NoSuchEntity'));
        supplier.issued.splice(supplier.issued.indexOf(issued), 1);
        return says(answer(action));
      }
      case 'ListAccessKeys': {
        const members = supplier.issued.map(
          (one) =>
            `<member><UserName>shop</UserName><AccessKeyId>${one.id}</AccessKeyId><Status>${one.live ? 'Active' : 'Inactive'}</Status><CreateDate>2026-01-02T03:04:05Z</CreateDate></member>`,
        );
        return says(
          answer(
            action,
            `<AccessKeyMetadata>${members.join('')}</AccessKeyMetadata><IsTruncated>false</IsTruncated>`,
          ),
        );
      }
      case 'CreateAccessKey': {
        if (supplier.issued.length >= 2) return says(error(409, 'LimitExceeded'));
        const made = supplier.issue('made');
        return says(
          answer(
            action,
            `<AccessKey><UserName>shop</UserName><AccessKeyId>${made.id}</AccessKeyId><Status>Active</Status><SecretAccessKey>${made.value}</SecretAccessKey></AccessKey>`,
          ),
        );
      }
      default:
        return says(error(400, 'InvalidAction'));
    }
  }
}

export const awsIam = new ScriptedIam();

/** AWS Secrets Manager in one region, with its own record of what it was given. */
export class ScriptedSecrets implements Dialect {
  readonly admin = {};
  readonly secrets = new Map<string, { text: string; token: string }>();
  /** What each held before, by name: the service keeps it under its version's id. */
  readonly earlier = new Map<string, { text: string; token: string }[]>();

  answer(request: Parameters<Dialect['answer']>[0]): ReturnType<Dialect['answer']> {
    if (request.method !== 'POST' || request.path !== '/') return null;
    const says = (status: number, body: object) => ({
      kind: 'other' as const,
      issued: null,
      reply: { status, body, headers: { 'content-type': 'application/x-amz-json-1.1' } },
    });
    const fails = (name: string) => says(400, { __type: name, Message: 'no' });
    if (keyIdOf(request.headers) !== OUR_KEY.id) return fails('UnrecognizedClientException');
    if (!isSignedBy(request, OUR_KEY.secret, 'secretsmanager', 'eu-central-1'))
      return fails('InvalidSignatureException');
    const json = request.json as Record<string, string | boolean>;
    const name = String(json['Name'] ?? json['SecretId']);
    const there = this.secrets.get(name);
    switch (request.headers['x-amz-target']) {
      case 'secretsmanager.CreateSecret': {
        const [text, token] = [String(json['SecretString']), String(json['ClientRequestToken'])];
        if (there && (there.token !== token || there.text !== text)) return fails('ResourceExistsException');
        this.secrets.set(name, { text, token });
        return says(200, { ARN: `arn:aws:secretsmanager:eu-central-1:1:secret:${name}`, Name: name });
      }
      case 'secretsmanager.GetSecretValue': {
        const wanted = json['VersionId'];
        const all = there ? [there, ...(this.earlier.get(name) ?? [])] : [];
        const found = wanted === undefined ? there : all.find(({ token }) => token === wanted);
        return found
          ? says(200, { Name: name, SecretString: found.text, VersionId: found.token })
          : fails('ResourceNotFoundException');
      }
      case 'secretsmanager.PutSecretValue': {
        if (!there) return fails('ResourceNotFoundException');
        const [text, token] = [String(json['SecretString']), String(json['ClientRequestToken'])];
        if (there.token === token && there.text !== text) return fails('ResourceExistsException');
        if (there.token !== token) {
          this.earlier.set(name, [there, ...(this.earlier.get(name) ?? [])]);
          this.secrets.set(name, { text, token });
        }
        return says(200, { Name: name, VersionId: token, VersionStages: ['AWSCURRENT'] });
      }
      case 'secretsmanager.ListSecretVersionIds': {
        if (!there) return fails('ResourceNotFoundException');
        const all = [there, ...(this.earlier.get(name) ?? [])];
        const stages = [['AWSCURRENT'], ['AWSPREVIOUS']];
        const versions = all.map(({ token }, at) => ({
          VersionId: token,
          ...(stages[at] ? { VersionStages: stages[at] } : {}),
        }));
        return says(200, { Name: name, Versions: versions });
      }
      case 'secretsmanager.DeleteSecret':
        if (!there) return fails('ResourceNotFoundException');
        if (json['ForceDeleteWithoutRecovery'] === true) this.secrets.delete(name);
        return says(200, { Name: name, DeletionDate: 1 });
      default:
        return fails('UnknownOperationException');
    }
  }
}
