import type { SignatureView, VersionView } from '../../domain/responsibility/matrix.schema.ts';
import { PostForm } from '../shared/forms.tsx';
import type { Frame } from '../shared/frame.ts';
import { At } from '../shared/parts.tsx';
import { Chip, words, type Tone } from '../shared/states.tsx';

/** What is said of a signature that is not there, or no longer counts. */
function unsigned(version: VersionView, partyId: string): { tone: Tone; word: string } {
  const had = version.signatures.some(({ party }) => party.id === partyId);
  // Nobody is waited for under a version that another one has taken the place of, or that was refused.
  if (version.state === 'superseded')
    return { tone: 'calm', word: had ? 'superseded' : 'superseded, not signed' };
  if (version.state === 'sent_back') return { tone: 'wait', word: 'sent back' };
  if (version.state === 'withdrawn') return { tone: 'calm', word: 'withdrawn' };
  return { tone: 'wait', word: 'still to sign' };
}

/** Who must sign, and who has. */
export function Signers({ version }: { version: VersionView }) {
  return (
    <ul class="plain">
      {version.signers.map((signer) => {
        const given = version.signatures.find(({ party, counts }) => party.id === signer.id && counts);
        const stands = signer.signed
          ? { tone: 'dead' as const, word: 'signed' }
          : unsigned(version, signer.id);
        return (
          <li>
            <Chip tone={stands.tone}>{stands.word}</Chip> <b>{signer.name ?? 'another party'}</b>
            {given && <Given signature={given} />}
          </li>
        );
      })}
    </ul>
  );
}

export function Given({ signature }: { signature: SignatureView }) {
  return (
    <div class="soft small">
      {signature.signsFor}, <At at={Date.parse(signature.at)} />, {WAYS[signature.way]}, strength:{' '}
      {words(signature.strength)}
      {signature.expiresAt !== null && (
        <>
          , until <At at={Date.parse(signature.expiresAt)} day />
        </>
      )}
    </div>
  );
}

export const WAYS = {
  account: 'signed in',
  link: 'by link and code',
  offline: 'with a key of their own',
  paper: 'on paper',
} as const;

const MAIL: Readonly<Record<VersionView['mails'][number]['mail'], { tone: Tone; word: string }>> = {
  owed: { tone: 'wait', word: 'mail not sent yet' },
  attempting: { tone: 'wait', word: 'mail is being tried' },
  accepted: { tone: 'info', word: 'mail handed over' },
  failed: { tone: 'live', word: 'mail refused' },
};
const PURPOSE = { attest: 'to sign', changed: 'about the change', confirm: 'to confirm as contact' } as const;

/** What became of the mails, so that nobody waits for one that never came. */
export function Mails({ version, frame }: { version: VersionView; frame: Frame }) {
  if (version.mails.length === 0 && version.unconfirmed.length === 0) return null;
  return (
    <>
      <h3>Mails</h3>
      <ul class="plain small">
        {version.mails.slice(0, 8).map((one) => (
          <li>
            {one.withdrawn ? (
              <Chip tone="calm">withdrawn</Chip>
            ) : (
              <Chip tone={MAIL[one.mail].tone}>{MAIL[one.mail].word}</Chip>
            )}{' '}
            {PURPOSE[one.purpose]}: {one.party.name}
            {one.contact && `, ${one.contact}`}{' '}
            <span class="soft">
              <At at={Date.parse(one.at)} />
            </span>
            {one.purpose === 'attest' && <Again version={version} one={one} frame={frame} />}
          </li>
        ))}
        {version.unconfirmed.map((one) => (
          <li>
            <Chip tone="wait">not confirmed</Chip> {one.contact.name ?? 'a contact of the other side'} is new
            and confirms until <At at={Date.parse(one.dueAt)} day />
          </li>
        ))}
      </ul>
    </>
  );
}

/** Sends an invitation to sign once more, or takes it back. */
function Again({
  version,
  one,
  frame,
}: {
  version: VersionView;
  one: VersionView['mails'][number];
  frame: Frame;
}) {
  const path = `/matrices/${version.id}`;
  const waits = version.signers.some(({ id, signed }) => id === one.party.id && !signed);
  // Only the newest mail to somebody: the older ones are the same invitation.
  const newest = version.mails.find(
    ({ purpose, contactId }) => purpose === 'attest' && contactId === one.contactId,
  );
  if (!frame.may('matrices:write') || version.state !== 'proposed' || !waits || newest?.id !== one.id)
    return null;
  return (
    <span class="line tight">
      <PostForm
        frame={frame}
        action={`${path}/invite`}
        inline
        label={`Mail ${one.contact ?? 'the contact'} again`}
      >
        <input type="hidden" name="contact" value={one.contactId} />
        <button class="plain small nowrap" type="submit">
          Mail again
        </button>
      </PostForm>
      {!one.withdrawn && (
        <PostForm
          frame={frame}
          action={`${path}/invitations/${one.id}/withdraw`}
          inline
          label={`Withdraw the invitation of ${one.contact ?? 'the contact'}`}
        >
          <button class="plain small nowrap" type="submit">
            Withdraw
          </button>
        </PostForm>
      )}
    </span>
  );
}
