/**
 * The operations of GitHub that connector presets use, out of GitHub's published description of its API, as
 * samples/github-operations.json keeps them. Maintenance, not part of any test: the description is far too big for one.
 *
 *     npm pack @octokit/openapi@23.0.2 && tar -xzf octokit-openapi-23.0.2.tgz package/generated/api.github.com.json
 *     node test/support/github-operations.mjs package/generated/api.github.com.json > test/support/samples/github-operations.json
 */
import { readFileSync } from 'node:fs';

const USED = `
  POST /credentials/revoke
  GET /user
  POST /applications/{client_id}/token
  DELETE /applications/{client_id}/token
  PATCH /applications/{client_id}/token
  DELETE /installation/token
  GET /installation/repositories
  POST /app/installations/{installation_id}/access_tokens
  POST /orgs/{org}/personal-access-tokens/{pat_id}
  GET /repos/{owner}/{repo}/keys/{key_id}
  DELETE /repos/{owner}/{repo}/keys/{key_id}
  GET /repos/{owner}/{repo}/keys`;

const description = JSON.parse(readFileSync(process.argv[2], 'utf8'));
const operations = USED.trim()
  .split('\n')
  .map((line) => {
    const [method, path] = line.trim().split(' ');
    const {
      operationId,
      responses,
      description: text = '',
      requestBody,
    } = description.paths[path][method.toLowerCase()];
    const schema = requestBody?.content?.['application/json']?.schema ?? {};
    // What the text says of statuses that the list of answers leaves out.
    const mentioned = [
      ...text.matchAll(/\breturn(?:s|ed)? (?:an? )?`?(4\d\d)\b|status code of `?(4\d\d)\b/g),
    ];
    return {
      operationId,
      method,
      path,
      statuses: Object.keys(responses)
        .map(Number)
        .sort((a, b) => a - b),
      mentioned: [...new Set(mentioned.map(([, one, other]) => Number(one ?? other)))].sort((a, b) => a - b),
      bodyMembers: Object.keys(schema.properties ?? {}).sort(),
    };
  });
const source = {
  package: '@octokit/openapi',
  version: description.info.version,
  file: 'generated/api.github.com.json',
};
process.stdout.write(`${JSON.stringify({ ...source, operations }, null, 2)}\n`);
