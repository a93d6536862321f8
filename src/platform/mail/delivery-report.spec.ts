import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { MOST_REPORT, readDeliveryReport } from './delivery-report.ts';

const bytes = (text: string) => Buffer.from(text.replaceAll('\n', '\r\n'));

/** A bounce as a mail server writes it. */
const report = (o: { status?: string; original?: string; type?: string } = {}) =>
  bytes(`Return-Path: <>
From: MAILER-DAEMON@mx.operator.example
To: notices@operator.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
MIME-Version: 1.0
Content-Type: ${o.type ?? 'multipart/report; report-type=delivery-status'}; boundary="b1"

--b1
Content-Type: text/plain; charset=us-ascii

I could not deliver your message.

--b1
Content-Type: message/delivery-status

${
  o.status ??
  `Reporting-MTA: dns; mx.operator.example
Original-Envelope-Id: 0198@notices.countersign

Original-Recipient: rfc822;Security@Northwind.example
Final-Recipient: rfc822; mailbox-17@hosted.example
Action: failed
Status: 5.1.1
Diagnostic-Code: smtp; 550 5.1.1 No such
 user here`
}

--b1
${
  o.original ??
  `Content-Type: text/rfc822-headers

From: notices@operator.example
To: security@northwind.example
Message-ID:
 <0199.2@notices.countersign>
Subject: NTC-2026-0001`
}

--b1--
`);

describe('a delivery status notification', () => {
  test('says which message came back, from whom, and why', async () => {
    expect(await readDeliveryReport(report())).toEqual({
      messageId: '0199.2@notices.countersign',
      recipients: [
        {
          address: 'security@northwind.example',
          action: 'failed',
          status: '5.1.1',
          why: '550 5.1.1 No such user here',
        },
      ],
    });
  });

  test('with the whole message in it is told by that message, not by one inside of it', async () => {
    const original = `Content-Type: message/rfc822

Message-ID: <outer@notices.countersign>
Content-Type: text/plain

Message-ID: <inner@evil.example>`;
    expect((await readDeliveryReport(report({ original })))?.messageId).toBe('outer@notices.countersign');
  });

  test('without the message is told by its envelope', async () => {
    const original = 'Content-Type: text/plain\n\nnothing';
    expect((await readDeliveryReport(report({ original })))?.messageId).toBe('0198@notices.countersign');
  });

  test('tells what failed from what is late, and several recipients apart', async () => {
    const status = `Reporting-MTA: dns; mx.x.example

Final-Recipient: rfc822; <a@x.example>
Action: delayed
Status: 4.4.1

Final-Recipient: rfc822; b@x.example
Action: Failed
Status: 4.4.7 (expired)

Final-Recipient: rfc822; c@x.example
Action: relayed
Status: 2.0.0`;
    const read = await readDeliveryReport(report({ status }));
    expect(read?.recipients.map(({ address, action, status: code }) => [address, action, code])).toEqual([
      ['a@x.example', 'delayed', '4.4.1'],
      ['b@x.example', 'failed', '4.4.7'],
    ]);
  });

  test.each([
    ['an answer of a person', bytes('From: a@x.example\nSubject: Re: NTC-1\n\nOn it.')],
    ['another report', report({ type: 'multipart/mixed' })],
    ['a status without a recipient', report({ status: 'Reporting-MTA: dns; x\n\nAction: failed' })],
    [
      'a status that is none',
      report({
        status:
          'Reporting-MTA: dns; x\n\nFinal-Recipient: rfc822; a@x.example\nAction: __proto__\nStatus: 5.1.1',
      }),
    ],
    ['nothing', Buffer.alloc(0)],
    ['too much', Buffer.concat([report(), Buffer.alloc(MOST_REPORT, 'x')])],
    [
      'boxes in boxes',
      bytes(
        Array.from(
          { length: 500 },
          (_, n) => `Content-Type: multipart/report; boundary="n${n}"\n\n--n${n}\n`,
        ).join(''),
      ),
    ],
  ])('%s is none', async (_what, raw) => {
    expect(await readDeliveryReport(raw)).toBeUndefined();
  });

  test('whatever a peer writes stays one line, and nothing of it throws', async () => {
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: 'binary', maxLength: 300 }), async (junk) => {
        const read = await readDeliveryReport(
          report({
            status: `A: b\n\nFinal-Recipient: rfc822; a@x.example\nAction: failed\nStatus: 5.0.0\nDiagnostic-Code: smtp; ${junk}`,
          }),
        );
        for (const one of read?.recipients ?? []) expect(one.why).not.toMatch(/[\r\n\0]/);
        await readDeliveryReport(Buffer.from(junk));
      }),
      { numRuns: 60 },
    );
  });
});
