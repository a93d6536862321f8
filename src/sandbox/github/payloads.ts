import { createHash } from 'node:crypto';
import type { Alert } from './alert-book.ts';

/**
 * Bodies as GitHub writes them, for its REST API and its webhooks. The shapes follow GitHub's published OpenAPI
 * description; links point at the place the world serves.
 */
type Json = Record<string, unknown>;

/** A number that stays the same for the same name, as GitHub's ids do. */
const idOf = (name: string): number => createHash('sha256').update(name).digest().readUInt32BE(0) >>> 4;
const nodeId = (kind: string, name: string): string =>
  Buffer.from(`${kind}${idOf(name)}`).toString('base64url');
const shaOf = (name: string): string => createHash('sha1').update(name).digest('hex');
const iso = (at: number): string => new Date(at).toISOString().replace(/\.\d{3}Z$/, 'Z');

function account(origin: string, login: string, type: 'User' | 'Organization'): Json {
  const api = `${origin}/users/${login}`;
  return {
    login,
    id: idOf(login),
    node_id: nodeId(type, login),
    avatar_url: `${origin}/avatars/${login}`,
    gravatar_id: '',
    url: api,
    html_url: `${origin}/${login}`,
    followers_url: `${api}/followers`,
    following_url: `${api}/following{/other_user}`,
    gists_url: `${api}/gists{/gist_id}`,
    starred_url: `${api}/starred{/owner}{/repo}`,
    subscriptions_url: `${api}/subscriptions`,
    organizations_url: `${api}/orgs`,
    repos_url: `${api}/repos`,
    events_url: `${api}/events{/privacy}`,
    received_events_url: `${api}/received_events`,
    type,
    site_admin: false,
  };
}

export function repository(origin: string, owner: string, repo: string): Json {
  const full = `${owner}/${repo}`;
  const api = `${origin}/repos/${full}`;
  const links = Object.fromEntries(
    ['forks', 'teams', 'hooks', 'events', 'tags', 'languages', 'stargazers', 'contributors', 'subscribers']
      .concat(['subscription', 'merges', 'downloads', 'deployments'])
      .map((name) => [`${name}_url`, `${api}/${name}`]),
  );
  return {
    id: idOf(full),
    node_id: nodeId('Repository', full),
    name: repo,
    full_name: full,
    private: true,
    owner: account(origin, owner, 'Organization'),
    html_url: `${origin}/${full}`,
    description: null,
    fork: false,
    url: api,
    ...links,
    default_branch: 'main',
    visibility: 'private',
    archived: false,
    disabled: false,
    created_at: '2023-04-03T08:12:44Z',
    updated_at: '2026-08-30T10:02:11Z',
    pushed_at: '2026-09-02T15:21:09Z',
  };
}

/** The alert of the REST API; the webhook's has neither `secret` nor `state`. */
export function alertBody(origin: string, alert: Alert, secret: string | null): Json {
  const api = `${origin}/repos/${alert.owner}/${alert.repo}/secret-scanning/alerts/${alert.number}`;
  const typeName = alert.secretTypeName ?? titled(alert.secretType);
  return {
    number: alert.number,
    created_at: iso(alert.createdAt),
    updated_at: iso(alert.updatedAt),
    url: api,
    html_url: `${origin}/${alert.owner}/${alert.repo}/security/secret-scanning/${alert.number}`,
    locations_url: `${api}/locations`,
    ...(secret === null ? {} : { state: alert.state, secret }),
    resolution: alert.resolution,
    resolved_at: alert.resolvedAt === null ? null : iso(alert.resolvedAt),
    resolved_by: alert.resolvedAt === null ? null : account(origin, 'countersign-app', 'User'),
    resolution_comment: alert.resolutionComment,
    secret_type: alert.secretType,
    secret_type_display_name: typeName,
    provider: typeName.split(' ')[0],
    provider_slug: alert.secretType.split('_')[0],
    secret_category: 'partner',
    validity: alert.validity,
    push_protection_bypassed: false,
    push_protection_bypassed_by: null,
    push_protection_bypassed_at: null,
    push_protection_bypass_request_reviewer: null,
    push_protection_bypass_request_reviewer_comment: null,
    push_protection_bypass_request_comment: null,
    push_protection_bypass_request_html_url: null,
    publicly_leaked: alert.publiclyLeaked,
    multi_repo: alert.multiRepo,
    assigned_to: null,
  };
}

export function locationBody(origin: string, alert: Alert, index: number): Json {
  const place = alert.locations[index];
  if (!place) throw new RangeError(`alert ${alert.number} has no location ${index}`);
  const api = `${origin}/repos/${alert.owner}/${alert.repo}`;
  const name = `${alert.owner}/${alert.repo}/${alert.number}/${index}`;
  if (place.type === 'commit' || place.type === 'wiki_commit') {
    const commit = shaOf(`commit ${name}`);
    const blob = shaOf(`blob ${name}`);
    return {
      type: place.type,
      details: {
        path: place.path,
        start_line: place.line,
        end_line: place.line,
        start_column: 12,
        end_column: 60,
        blob_sha: blob,
        ...(place.type === 'commit'
          ? { blob_url: `${api}/git/blobs/${blob}` }
          : { page_url: `${origin}/${alert.owner}/${alert.repo}/wiki/${blob}` }),
        commit_sha: commit,
        commit_url: `${api}/git/commits/${commit}`,
      },
    };
  }
  const discussion = place.type.startsWith('discussion');
  const base = discussion ? `${origin}/${alert.owner}/${alert.repo}/discussions` : `${api}/issues`;
  const at = place.type.endsWith('comment') ? `${base}/comments/${idOf(name)}` : `${base}/${place.line}`;
  return { type: place.type, details: { [`${place.type}_url`]: at } };
}

/** The whole body of a `secret_scanning_alert` or `secret_scanning_alert_location` delivery. */
export function deliveryBody(
  origin: string,
  alert: Alert,
  o: { event: string; action: string; secret: string | null; location: number },
): Json {
  const locationEvent = o.event === 'secret_scanning_alert_location';
  return {
    action: locationEvent ? 'created' : o.action,
    alert: alertBody(origin, alert, o.secret),
    ...(locationEvent ? { location: locationBody(origin, alert, o.location) } : {}),
    repository: repository(origin, alert.owner, alert.repo),
    organization: {
      login: alert.owner,
      id: idOf(alert.owner),
      node_id: nodeId('Organization', alert.owner),
      url: `${origin}/orgs/${alert.owner}`,
      repos_url: `${origin}/orgs/${alert.owner}/repos`,
      events_url: `${origin}/orgs/${alert.owner}/events`,
      hooks_url: `${origin}/orgs/${alert.owner}/hooks`,
      issues_url: `${origin}/orgs/${alert.owner}/issues`,
      members_url: `${origin}/orgs/${alert.owner}/members{/member}`,
      public_members_url: `${origin}/orgs/${alert.owner}/public_members{/member}`,
      avatar_url: `${origin}/avatars/${alert.owner}`,
      description: '',
    },
    // A machine finds alerts; a person resolves them.
    ...(o.action === 'resolved' ? { sender: account(origin, 'countersign-app', 'User') } : {}),
  };
}

const titled = (slug: string): string =>
  slug
    .split('_')
    .map((word) => word.charAt(0).toUpperCase() + word.slice(1))
    .join(' ');
