import { expect, test } from '@jest/globals';
import { render } from 'preact-render-to-string';
import type { VersionView } from '../../domain/responsibility/matrix.schema.ts';
import { Signers } from './signatures.tsx';

const signed = { party: { id: 'a', name: 'Aurora' }, counts: false };
const said = (state: VersionView['state'], signatures: object[], now = false) =>
  render(
    <Signers
      version={
        { state, signers: [{ id: 'a', name: 'Aurora', signed: now }], signatures } as unknown as VersionView
      }
    />,
  ).replace(/<[^>]*>/g, ' ');

test('nobody is said to have still to sign what nobody can sign any more', () => {
  expect(said('proposed', [])).toContain('still to sign');
  expect(said('expired', [signed])).toContain('still to sign');
  expect(said('superseded', [signed])).toMatch(/^\s*superseded\s+Aurora/);
  expect(said('superseded', [])).toMatch(/^\s*superseded, not signed\s+Aurora/);
  expect(said('sent_back', [])).toMatch(/^\s*sent back\s+Aurora/);
  expect(said('withdrawn', [signed])).toMatch(/^\s*withdrawn\s+Aurora/);
});
