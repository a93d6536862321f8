import { describe, expect, test } from '@jest/globals';
import { generateKeyPairSync, sign } from 'node:crypto';
import fc from 'fast-check';
import { isDetachedSignature, readPublicKey } from './detached-signature.ts';

const DOCUMENT = '{"format":"countersign-acknowledgement-1","textHash":"ab"}';
const pem = (key: { export(o: { type: 'spki'; format: 'pem' }): string | Buffer }) =>
  String(key.export({ type: 'spki', format: 'pem' }));

describe('the 64 bytes of a signature in base64', () => {
  const pair = generateKeyPairSync('ed25519');
  const other = generateKeyPairSync('ed25519');
  const signature = sign(null, Buffer.from(DOCUMENT), pair.privateKey).toString('base64');

  test('verify with their key over their document, also broken over lines, and with nothing else', () => {
    expect(isDetachedSignature(pem(pair.publicKey), DOCUMENT, signature)).toBe(true);
    expect(
      isDetachedSignature(
        pem(pair.publicKey),
        DOCUMENT,
        `${signature.slice(0, 64)}\r\n${signature.slice(64)}\n`,
      ),
    ).toBe(true);
    expect(isDetachedSignature(pem(other.publicKey), DOCUMENT, signature)).toBe(false);
    expect(isDetachedSignature(pem(pair.publicKey), `${DOCUMENT}\n`, signature)).toBe(false);
  });

  test('junk is none, whatever it is', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.base64String()), (junk) => {
        expect(isDetachedSignature(pem(pair.publicKey), DOCUMENT, junk)).toBe(false);
        const armoured = `-----BEGIN SSH SIGNATURE-----\n${Buffer.from(`SSHSIG${junk}`).toString('base64')}\n-----END SSH SIGNATURE-----`;
        expect(isDetachedSignature(pem(pair.publicKey), DOCUMENT, armoured)).toBe(false);
      }),
    );
  });
});

/** Made once with OpenSSH 9 over the document; the private halves are gone. */
const KEYS = {
  hers: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOElj+KhzdfiGIkohztQ14kS101Kef9WBnO5T32lbFHl nora at work',
  another: 'ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIhUt8yqw98V4fLQX5Vwuc0zW725sYZssgjpemqjmq33 x',
  ecdsa:
    'ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBN9oYeb9yo27H0sJzbe4LkQUP8SjTdrAQ+OVFszl3hmt0evdI4epGWz3Jdx95UsoLjb9mk3+5Vhv07IzAKHUc4k= x',
};
const SIGNED = {
  hers: `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg4SWP4qHN1+IYiSiHO1DXiRLXTU
p5/1YGc7lPfaVsUeUAAAALY291bnRlcnNpZ24AAAAAAAAABnNoYTUxMgAAAFMAAAALc3No
LWVkMjU1MTkAAABAYvttDfgD2PyQQ+HROS2/DEWBFQVIhsX3CT+LCHq2bWTxFJ5wZowTei
qV8dUlK6CigHVoPod2ixWewavRy0uzAg==
-----END SSH SIGNATURE-----
`,
  another: `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAgiFS3zKrD3xXh8tBflXC5zTNbvb
mxhmyyCOl6aqOarfcAAAALY291bnRlcnNpZ24AAAAAAAAABnNoYTUxMgAAAFMAAAALc3No
LWVkMjU1MTkAAABAGLQ40HcbibKj+jr64/k/2FRIX69dOZJREq1Q9UA02IesocjU8ouLH3
KQ077Un4qEsSeKjJWFQILOTBR5cpIkBw==
-----END SSH SIGNATURE-----`,
  ecdsa: `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAAGgAAAATZWNkc2Etc2hhMi1uaXN0cDI1NgAAAAhuaXN0cDI1NgAAAE
EE32hh5v3KjbsfSwnNt7guRBQ/xKNN2sBD45UWzOXeGa3R690jh6kZbPcl3H3lSyguNv2a
Tf7lWG/TsjMAodRziQAAAAtjb3VudGVyc2lnbgAAAAAAAAAGc2hhNTEyAAAAZAAAABNlY2
RzYS1zaGEyLW5pc3RwMjU2AAAASQAAACAWQM3Iov1a3Hipx+XvN5LVE+k2mY0yh23iRYOy
twSs7AAAACEAkKHJdkRooG35AkYntvPNUpVncA2ZHhecOMU0HEGqKaA=
-----END SSH SIGNATURE-----`,
  elsewhere: `-----BEGIN SSH SIGNATURE-----
U1NIU0lHAAAAAQAAADMAAAALc3NoLWVkMjU1MTkAAAAg4SWP4qHN1+IYiSiHO1DXiRLXTU
p5/1YGc7lPfaVsUeUAAAAEZmlsZQAAAAAAAAAGc2hhNTEyAAAAUwAAAAtzc2gtZWQyNTUx
OQAAAEBhoH16EDvYr/LieBQydQIeUKB8dn8ILhXIA6Dt1lsE2n1IXWies194QuImmYdpm6
FWpH+wqx7fM7NUnDTJ1B4P
-----END SSH SIGNATURE-----`,
};

describe('what ssh-keygen signs', () => {
  const hers = pem(readPublicKey(KEYS.hers)!);

  test('verifies with its line of a public key, and neither with another one nor for another purpose', () => {
    expect(isDetachedSignature(hers, DOCUMENT, SIGNED.hers)).toBe(true);
    expect(isDetachedSignature(hers, DOCUMENT, SIGNED.hers.replaceAll('\n', '\r\n'))).toBe(true);
    expect(isDetachedSignature(hers, `${DOCUMENT} `, SIGNED.hers)).toBe(false);
    expect(isDetachedSignature(pem(readPublicKey(KEYS.another)!), DOCUMENT, SIGNED.hers)).toBe(false);
    for (const strange of [SIGNED.another, SIGNED.ecdsa, SIGNED.elsewhere])
      expect(isDetachedSignature(hers, DOCUMENT, strange)).toBe(false);
  });

  test('no bit of it may be another', () => {
    const [, body] = /-----\n([\s\S]+)-----END/.exec(SIGNED.hers)!;
    const bytes = Buffer.from(body!, 'base64');
    for (let at = 0; at < bytes.length; at++) {
      const bent = Buffer.from(bytes);
      bent[at]! ^= 1;
      const text = `-----BEGIN SSH SIGNATURE-----\n${bent.toString('base64')}\n-----END SSH SIGNATURE-----`;
      expect(isDetachedSignature(hers, DOCUMENT, text)).toBe(false);
    }
  });

  test('a private key, and a key of another kind, are not taken', () => {
    expect(readPublicKey(KEYS.ecdsa)).toBeUndefined();
    expect(readPublicKey('ssh-ed25519 AAAA')).toBeUndefined();
    const { privateKey } = generateKeyPairSync('ed25519');
    expect(readPublicKey(String(privateKey.export({ type: 'pkcs8', format: 'pem' })))).toBeUndefined();
  });
});
