import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { AllowedPeers, normalHostPort, whyBlocked, whyNeverDialled } from './addresses.rules.ts';

describe('which addresses may be dialled', () => {
  test.each([
    '127.0.0.1',
    '127.9.9.9',
    '0.0.0.0',
    '0.1.2.3',
    '10.0.0.1',
    '172.16.0.1',
    '172.31.255.255',
    '192.168.1.1',
    '169.254.169.254',
    '100.64.0.1',
    '192.0.2.1',
    '198.18.0.1',
    '198.51.100.7',
    '203.0.113.9',
    '224.0.0.1',
    '240.0.0.1',
    '255.255.255.255',
    '192.0.0.8',
    '::',
    '::1',
    '::ffff:127.0.0.1',
    '::ffff:7f00:1',
    '::ffff:10.0.0.1',
    '::ffff:0:127.0.0.1',
    '::127.0.0.1',
    '64:ff9b::7f00:1',
    '64:ff9b::8.8.8.8',
    '64:ff9b:1::1',
    '2002:7f00:1::',
    '2001::1',
    '2001:db8::1',
    'fe80::1',
    'fe80::1%eth0',
    'fec0::1',
    'fc00::1',
    'fd12:3456::1',
    'ff02::1',
    '100::1',
    '2a00:1450::5efe:7f00:1',
    '2a00:1450::200:5efe:a00:1',
    'localhost',
    '',
    '2130706433.5.6.7',
  ])('%s is refused', (address) => {
    expect(whyBlocked(address)).not.toBeNull();
  });

  test.each([
    '8.8.8.8',
    '1.1.1.1',
    '172.32.0.1',
    '::ffff:8.8.8.8',
    '2606:4700:4700::1111',
    '2a00:1450:4001:81b::200e',
  ])('%s is public', (address) => {
    expect(whyBlocked(address)).toBeNull();
  });

  test('every private IPv4 address stays refused when it is mapped into IPv6', () => {
    const octet = fc.integer({ min: 0, max: 255 });
    fc.assert(
      fc.property(fc.tuple(octet, octet, octet, octet), (parts) => {
        const plain = parts.join('.');
        expect(whyBlocked(`::ffff:${plain}`)).toBe(whyBlocked(plain));
      }),
    );
  });
});

describe('the allow list', () => {
  test('lets through the exact pair and nothing beside it', () => {
    const allowed = new AllowedPeers([
      '127.0.0.1:8443',
      '[::1]:9000',
      'Vault.internal:8200',
      'nonsense',
      '*:80',
    ]);
    expect(allowed.has('127.0.0.1', 8443)).toBe(true);
    expect(allowed.has('127.0.0.1', 8444)).toBe(false);
    expect(allowed.has('127.0.0.2', 8443)).toBe(false);
    expect(allowed.has('localhost', 8443)).toBe(false);
    expect(allowed.has('::1', 9000)).toBe(true);
    expect(allowed.has('[::1]', '9000')).toBe(true);
    expect(allowed.has('vault.INTERNAL', 8200)).toBe(true);
    expect(allowed.has('vault.internal.evil.example', 8200)).toBe(false);
    expect(allowed.has('example.com', 80)).toBe(false);
  });

  test('one spelling for one pair', () => {
    expect(normalHostPort('2130706433', 80)).toBe('127.0.0.1:80');
    expect(normalHostPort('[0:0:0:0:0:0:0:1]', 443)).toBe('[::1]:443');
    expect(normalHostPort('a/b', 80)).toBeNull();
    expect(normalHostPort('u@host', 80)).toBeNull();
    expect(normalHostPort('host', 0)).toBeNull();
    expect(normalHostPort('host', '80x')).toBeNull();
  });
});

describe('an address that somebody gives', () => {
  const allowed = new AllowedPeers(['10.0.0.5:443', 'hub.internal:8080', 'localhost:9000']);
  const why = (text: string) => whyNeverDialled(new URL(text), allowed);

  test.each([
    ['http://hub.example/hook', /no https/],
    ['ftp://hub.example/hook', /no https/],
    ['https://user:pass@hub.example/hook', /user/],
    ['https://localhost/hook', /this machine/],
    ['https://LOCALHOST./hook', /this machine/],
    ['https://a.localhost:8443/hook', /this machine/],
    ['https://127.0.0.1/hook', /loopback/],
    ['https://0x7f.1/hook', /loopback/],
    ['https://2130706433/hook', /loopback/],
    ['https://[::1]/hook', /loopback/],
    ['https://[::ffff:10.0.0.1]/hook', /private/],
    ['https://169.254.169.254/latest', /linkLocal/],
    ['https://10.0.0.5:444/hook', /private/],
  ])('%s is refused when it is given, with what mends it', (text, problem) => {
    expect(why(text)).toEqual({ problem: expect.stringMatching(problem), mend: expect.stringMatching(/./) });
  });

  test.each([
    'https://hub.example/hook',
    'https://8.8.8.8/hook',
    'https://10.0.0.5/hook',
    'http://hub.internal:8080/hook',
    'https://localhost:9000/hook',
    'https://localhost.example/hook',
  ])('%s is taken', (text) => {
    expect(why(text)).toBeNull();
  });
});
