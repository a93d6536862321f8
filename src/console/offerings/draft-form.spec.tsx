import { describe, expect, test } from '@jest/globals';
import { render } from 'preact-render-to-string';
import type { OfferingView } from '../../domain/responsibility/offering.schema.ts';
import type { Frame } from '../shared/frame.ts';
import { TermForm } from './draft-forms.view.tsx';
import { readTerm, termGiven, type Given } from './draft-form.ts';

const form: Given = {
  direction: 'to_party',
  trigger: 'confirmed',
  startEvent: 'confirmed',
  windowCount: '24',
  windowUnit: 'elapsed-hours',
  recipients: 'security',
  fallbackRecipients: ['on_call', 'contract'],
  fulfilledBy: 'acknowledged',
  after_on_call: '15 min',
  after_contract: '40 %',
};

describe('the ladder of an offered term', () => {
  test('goes through the form and comes back as it was', () => {
    const read = readTerm(form);
    expect(read).toMatchObject({
      ok: true,
      value: {
        rungs: [
          { recipient: 'on_call', minutes: 15 },
          { recipient: 'contract', percent: 40 },
        ],
      },
    });
    if (!read.ok) return;
    expect(readTerm(termGiven(read.value))).toEqual(read);
    expect(termGiven(read.value)).toMatchObject({ after_on_call: '15 min', after_contract: '40 %' });
  });

  test('is shown with its times', () => {
    const page = render(
      <TermForm
        frame={{ csrf: 'x' } as Frame}
        offering={{ rowVersion: 1 } as OfferingView}
        calendars={[]}
        editing={{ what: 'term', at: 0, form, problems: {} }}
        path="/offerings/1"
      />,
    );
    expect(page).toMatch(/name="after_on_call"[^>]*value="15 min"/);
    expect(page).toMatch(/name="after_contract"[^>]*value="40 %"/);
    expect(page).toMatch(/name="after_security"/);
  });

  test('says what is wrong with a rung beside it, and forgets one that nobody is told by', () => {
    expect(readTerm({ ...form, after_contract: 'soon' })).toEqual({
      ok: false,
      error: { after_contract: 'Minutes up to 43200, like 15, or a share of the window, like 40 %.' },
    });
    expect(readTerm({ ...form, windowUnit: '' })).toMatchObject({
      ok: false,
      error: { after_contract: expect.stringContaining('no share') },
    });
    const read = readTerm({ ...form, fallbackRecipients: 'contract' });
    expect(read.ok && read.value.rungs).toEqual([{ recipient: 'contract', percent: 40 }]);
  });
});
