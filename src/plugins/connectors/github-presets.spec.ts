import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { Connectors } from '../../domain/revocation/connectors.ts';
import { readPresetFiles } from '../../domain/revocation/preset-files.ts';
import { factOf } from '../../domain/revocation/preset-view.rules.ts';
import { SystemClock } from '../../platform/clock/clock.ts';
import { templatesFolder } from '../../platform/config/templates.ts';
import { Outbound } from '../../platform/http/outbound.ts';
import { connectorClasses } from './registry.ts';
import {
  answersOf,
  PARTS,
  requestOf,
  type DeclarativeHttpSettings,
} from './declarative-http/declarative-http.settings.ts';

/** GitHub's own description of its API, of which the samples keep what the presets use: see github-operations.mjs. */
const sample = new URL('../../../test/support/samples/github-operations.json', import.meta.url);
const described = JSON.parse(readFileSync(sample, 'utf8')) as {
  package: string;
  version: string;
  operations: {
    method: string;
    path: string;
    statuses: number[];
    mentioned: number[];
    bodyMembers: string[];
  }[];
};

const outbound = new Outbound({ outboundAllow: [] }, new SystemClock());
const connectors = new Connectors(connectorClasses.map((one) => new one(outbound)));
const requests = readPresetFiles(connectors, templatesFolder('connectors'))
  .filter(({ preset }) => preset.supplier === 'github')
  .flatMap(({ preset, settings: checked }) => {
    const settings = checked as DeclarativeHttpSettings;
    return (['login', ...PARTS] as const).flatMap((part) => {
      const request = requestOf(settings[part]);
      return request ? [{ key: preset.key, part, request, rows: answersOf(settings[part]), preset }] : [];
    });
  });

/** Names of holes differ, places do not. */
const shape = (path: string) => path.replace(/\{[^}]+\}/g, '{}');

test('the description is the published one, and every kind of token has requests', () => {
  expect(described).toMatchObject({ package: '@octokit/openapi', version: '23.0.2' });
  expect(new Set(requests.map(({ key }) => key)).size).toBe(5);
});

describe.each(requests)('$key, $part', ({ request, rows, preset }) => {
  const operation = described.operations.find(
    ({ method, path }) => method === request.method && shape(path) === shape(request.path),
  );

  test('is an operation that GitHub describes', () => {
    expect({ ...request, described: operation !== undefined }).toMatchObject({ described: true });
    const { body } = request;
    for (const member of body && 'json' in body ? Object.keys(body.json as object) : [])
      expect(operation?.bodyMembers).toContain(member);
  });

  test('calls verified what GitHub says, and nothing else', () => {
    const known = [...(operation?.statuses ?? []), ...(operation?.mentioned ?? [])];
    for (const row of rows) {
      const fact = factOf(preset, row);
      if (fact?.status !== 'verified' || !fact.source.startsWith('GitHub REST API description')) continue;
      for (const status of [row.status].flat())
        expect({ row, known }).toEqual({ row, known: expect.arrayContaining([status]) });
    }
  });
});

test('what revokes by value goes without authentication, and GitHub says why', () => {
  const revoke = requests.find(({ key, part }) => key === 'github-token' && part === 'revoke');
  expect(revoke?.request.auth).toEqual({ style: 'none' });
  expect(Object.keys(revoke?.request.headers ?? {})).not.toContain('authorization');
  expect(described.operations.find(({ path }) => path === '/credentials/revoke')).toMatchObject({
    statuses: [202, 422, 500],
    mentioned: [403],
  });
});
