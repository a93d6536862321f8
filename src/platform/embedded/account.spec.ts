import { describe, expect, test } from '@jest/globals';
import { accountNamed } from './account.ts';

const PASSWD = [
  'root:x:0:0:root:/root:/bin/bash',
  'postgresql:x:70:70::/var/lib/postgresql:/bin/sh',
  'postgres:x:101:104:PostgreSQL administrator,,,:/var/lib/postgresql:/bin/bash',
  'broken:x::',
  'nobody:x:65534:65534:nobody:/nonexistent:/usr/sbin/nologin',
].join('\n');

describe('the account that Postgres runs as', () => {
  test('is found by its whole name', () => {
    expect(accountNamed(PASSWD, 'postgres')).toEqual({ uid: 101, gid: 104 });
    expect(accountNamed(PASSWD, 'nobody')).toEqual({ uid: 65534, gid: 65534 });
    expect(accountNamed(PASSWD, 'post')).toBeUndefined();
    expect(accountNamed('', 'postgres')).toBeUndefined();
  });

  test('is never root, nor a line without numbers', () => {
    expect(accountNamed(PASSWD, 'root')).toBeUndefined();
    expect(accountNamed(PASSWD, 'broken')).toBeUndefined();
  });
});
