import { describe, expect, test } from '@jest/globals';
import { projectFolder } from '../../platform/config/project-folder.ts';
import { PermissionWords, readPermissionFile } from './permission-words.ts';

const words = PermissionWords.read(projectFolder('templates/permissions'));

describe('permissions in words', () => {
  test('are those of the supplier that the credential is known by', () => {
    expect(words.wordsFor(['repo', 'made_up'], ['github_token', 'GitHub, Inc.', null])).toEqual([
      {
        name: 'repo',
        words:
          'Reads and changes all repositories, private ones too, with their settings, webhooks and deployments',
        supplier: 'GitHub',
      },
      { name: 'made_up', words: null, supplier: null },
    ]);
    expect(words.wordsFor(['api'], ['pat', 'GitLab B.V.', null])[0]?.supplier).toBe('GitLab');
  });

  test('a scope of another supplier is not taken for this one', () => {
    expect(words.wordsFor(['repo', 'api'], ['api_key', 'Northwind Cloud', null])).toEqual([
      { name: 'repo', words: null, supplier: null },
      { name: 'api', words: null, supplier: null },
    ]);
  });

  test('a word is whole: "awesome" is not "aws"', () => {
    expect(words.wordsFor(['*'], ['key', 'Awesomaws Ltd', null])[0]?.words).toBeNull();
    expect(words.wordsFor(['*'], ['aws-access-key', 'Amazon', null])[0]?.supplier).toBe('AWS');
  });

  test('what is common to OpenID Connect is known of anybody, but a supplier speaks first', () => {
    expect(words.wordsFor(['openid'], ['oauth', 'Northwind Cloud', null])[0]?.supplier).toBe(
      'OpenID Connect',
    );
    expect(words.wordsFor(['offline_access'], ['oauth', 'Microsoft', null])[0]?.supplier).toBe('Microsoft');
  });

  test('a file that is not as it must be is refused with its place', () => {
    expect(() =>
      readPermissionFile('supplier: X\nnames: []\nsource: https://x.test\nscopes: {}', 'x.yaml'),
    ).toThrow(/x\.yaml: names/);
    expect(() =>
      readPermissionFile('supplier: X\nnames: [x]\nsource: https://x.test\nscopes: [a]', 'x.yaml'),
    ).toThrow(/scopes/);
  });
});
