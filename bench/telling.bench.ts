import type { AddressInfo } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { createTransport } from 'nodemailer';
import type pg from 'pg';
import { SMTPServer } from 'smtp-server';
import { NoticesService, type Trigger } from '../src/domain/notices/notices.service.ts';
import { newId, type Id } from '../src/kernel/ids.ts';
import { system } from '../src/kernel/principal.ts';
import { iso, SECOND } from '../src/kernel/time.ts';
import { Transactions } from '../src/platform/database/transactions.ts';
import { cpuOf } from './cpu.ts';
import { benchApp } from './app.ts';
import type { BenchPlace } from './place.ts';
import { percentile } from './statistics.ts';

const INCIDENTS = 50;
const MIB = 1024 * 1024;
const BY = system('bench', 'bench-telling');

/** A mail server that takes everything at once, and tells when it took the first message to whom. */
class Mailbox {
  taken = 0;
  readonly first = new Map<string, number>();
  readonly #server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS', 'AUTH'],
    logger: false,
    onData: (stream, session, done) => {
      stream.resume();
      stream.on('end', () => {
        this.taken++;
        const to = session.envelope.rcptTo[0]!.address;
        if (!this.first.has(to)) this.first.set(to, performance.now());
        done();
      });
    },
  });

  async start(): Promise<string> {
    this.#server.on('error', () => {});
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
    return `127.0.0.1:${(this.#server.server.address() as AddressInfo).port}`;
  }
  stop(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

/**
 * From awareness (the commit that makes notices owed) to the mail server's 250, on the durable database of the bench: the
 * first notice of each of 50 incidents that open at once, and a fan-out over many recipients with the memory it takes;
 * beside what handing over the same message costs without the product.
 */
export async function tellingBench(place: BenchPlace): Promise<void> {
  const sizes = place.quick ? [1000] : [1000, 10_000];
  const mailbox = new Mailbox();
  const host = await mailbox.start();
  const world = await benchApp(place, {
    name: 'telling',
    settings: {
      COUNTERSIGN_SMTP_URL: `smtp://${host}`,
      COUNTERSIGN_MAIL_FROM: 'notices@operator.example',
      COUNTERSIGN_PUBLIC_URL: 'https://countersign.example',
      COUNTERSIGN_OUTBOUND_ALLOW: host,
    },
  });
  const { app, admin } = world;
  try {
    const seeded = await seed(admin, INCIDENTS + sizes.reduce((sum, size) => sum + size, 0));
    const bare = await bareSeconds(host, 200);
    const owe = (some: readonly Seeded[]) =>
      app.get(Transactions).run(BY, (db) =>
        app.get(NoticesService).owe(
          db,
          some.map((one) => trigger(one, Date.now())),
          BY,
        ),
      );
    const until = async (reached: () => boolean | Promise<boolean>, seconds: number, what: string) => {
      const end = performance.now() + seconds * SECOND;
      while (!(await reached())) {
        if (performance.now() > end) throw new Error(`telling: ${what} took longer than ${seconds} s`);
        await delay(10);
      }
    };

    const opened = seeded.slice(0, INCIDENTS);
    const aware = new Map<string, number>();
    await Promise.all(
      opened.map(async (one) => {
        await owe([one]);
        aware.set(one.email, performance.now());
      }),
    );
    await until(() => opened.every(({ email }) => mailbox.first.has(email)), 60, 'telling 50 incidents');
    const waits = opened.map(({ email }) => (mailbox.first.get(email)! - aware.get(email)!) / SECOND);
    place.figure(
      `${INCIDENTS} incidents at once: awareness to the first 250, p50`,
      percentile(waits, 50),
      's',
    );
    place.figure(`${INCIDENTS} incidents at once: awareness to the last first 250`, Math.max(...waits), 's');
    place.figure('to the promised 30 s', Math.max(...waits) / 30, '×');

    const peaks: number[] = [];
    const lives: number[] = [];
    let from = INCIDENTS;
    for (const count of sizes) {
      const many = seeded.slice(from, (from += count));
      collected();
      let peak = process.memoryUsage.rss();
      const watch = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 50);
      const taken = mailbox.taken;
      const cpu = await cpuOf(admin);
      const began = performance.now();
      for (let at = 0; at < many.length; at += 500) await owe(many.slice(at, at + 500));
      // What is in use in the middle of it, with however many still to go.
      const inUse: number[] = [];
      for (const share of [0.25, 0.5, 0.75]) {
        const told = Math.floor(many.length * share);
        await until(() => mailbox.taken - taken >= told, 1800, `telling ${told} of ${count} recipients`);
        collected();
        const { heapUsed, external } = process.memoryUsage();
        inUse.push(heapUsed + external);
      }
      await until(() => mailbox.taken - taken >= many.length, 1800, `telling ${count} recipients`);
      const seconds = (performance.now() - began) / SECOND;
      await until(async () => (await unrecorded(admin)) === 0, 60, 'recording what was told');
      clearInterval(watch);
      peaks.push(peak);
      lives.push(Math.max(...inUse));
      place.figure(`${count} recipients: a second`, count / seconds, 'notices');
      place.figure(`${count} recipients: to the bare hand-over`, seconds / count / bare, '×');
      place.figure(
        `${count} recipients: CPU of a notice, ours, Postgres’s and the mail server’s`,
        ((await cpuOf(admin)) - cpu) / (count / SECOND),
        'ms',
      );
      place.figure(`${count} recipients: memory of the process, at most`, peak / MIB, 'MiB');
      place.figure(`${count} recipients: memory in use meanwhile, at most`, lives.at(-1)! / MIB, 'MiB');
      place.figure(
        `${count} recipients: memory in use from a quarter told to three quarters`,
        inUse.at(-1)! / inUse[0]!,
        '×',
      );
      place.figure(`${count} recipients: doubled`, mailbox.taken - taken - count, 'mails');
    }
    if (peaks.length > 1) {
      place.figure(`memory at ${sizes[1]} recipients to that at ${sizes[0]}`, peaks[1]! / peaks[0]!, '×');
      place.figure(
        `memory in use at ${sizes[1]} recipients to that at ${sizes[0]}`,
        lives[1]! / lives[0]!,
        '×',
      );
    }
  } finally {
    await world.close();
    await mailbox.stop();
  }
}

/** What nobody uses is let go, so that what is measured is what is used. */
function collected(): void {
  setFlagsFromString('--expose-gc');
  (runInNewContext('gc') as () => void)();
}

/** Notices that a peer has and that nobody wrote down yet. */
async function unrecorded(admin: pg.Client): Promise<number> {
  const { rows } = await admin.query<{ number: number }>(
    `SELECT count(*)::int AS number FROM notice WHERE dispatch IN ('owed', 'attempting')`,
  );
  return rows[0]!.number;
}

/** Seconds that one message costs without the product, one after the other over a connection each. */
async function bareSeconds(host: string, count: number): Promise<number> {
  const [name, port] = host.split(':');
  const began = performance.now();
  for (let n = 0; n < count; n++) {
    const transport = createTransport({ host: name!, port: Number(port), ignoreTLS: true });
    await transport.sendMail({
      from: 'notices@operator.example',
      to: `bare-${n}@bare.example`,
      subject: 'bare',
      text: 'x'.repeat(1500),
      html: `<p>${'x'.repeat(4000)}</p>`,
    });
    transport.close();
  }
  return (performance.now() - began) / SECOND / count;
}

interface Seeded {
  integrationId: Id;
  agreementVersionId: Id;
  email: string;
}

/** So many parties, each promised to hear of a confirmed exposure within 24 hours. */
async function seed(admin: pg.Client, count: number): Promise<Seeded[]> {
  const now = iso(Date.now());
  const rows = Array.from({ length: count }, (_, n) => ({
    n,
    party: newId(),
    contact: newId(),
    agreement: newId(),
    version: newId(),
    term: newId(),
    integration: newId(),
    email: `security-${n}@party-${n}.example`,
  }));
  const from = `FROM jsonb_to_recordset($1::jsonb) AS d(n int, party uuid, contact uuid, agreement uuid, version uuid, term uuid, integration uuid, email text)`;
  for (let at = 0; at < rows.length; at += 1000) {
    const some = JSON.stringify(rows.slice(at, at + 1000));
    for (const sql of [
      `INSERT INTO party (id, reference, name, created_at, updated_at) SELECT d.party, 'PTY-B-' || d.n, 'Party ' || d.n, '${now}', '${now}' ${from}`,
      `INSERT INTO contact (id, party_id, name, role, email, created_at, updated_at) SELECT d.contact, d.party, 'Desk', 'security', d.email, '${now}', '${now}' ${from}`,
      `INSERT INTO agreement (id, reference, party_id, title, created_at, updated_at) SELECT d.agreement, 'AGR-B-' || d.n, d.party, 'Master', '${now}', '${now}' ${from}`,
      `INSERT INTO agreement_version (id, agreement_id, party_id, number, valid_from, authority, content_hash, created_at) SELECT d.version, d.agreement, d.party, 1, '${now}', 'revoke_now', '\\x00', '${now}' ${from}`,
      `INSERT INTO term (id, agreement_version_id, party_id, direction, trigger, start_event, window_count, window_unit, valid_from) SELECT d.term, d.version, d.party, 'to_party', 'confirmed', 'confirmed', 24, 'elapsed-hours', '${now}' ${from}`,
      `INSERT INTO term_recipient (term_id, contact_id, party_id, ordinal) SELECT d.term, d.contact, d.party, 0 ${from}`,
      `INSERT INTO integration (id, reference, name, created_at, updated_at) SELECT d.integration, 'INT-B-' || d.n, 'Integration ' || d.n, '${now}', '${now}' ${from}`,
    ])
      await admin.query(sql, [some]);
  }
  await admin.query('ANALYZE');
  return rows.map(({ integration, version, email }) => ({
    integrationId: integration,
    agreementVersionId: version,
    email,
  }));
}

function trigger(one: Seeded, now: number): Trigger {
  return {
    integrationId: one.integrationId,
    agreementVersionId: one.agreementVersionId,
    subject: { kind: 'case', id: newId() },
    trigger: 'confirmed',
    instants: { confirmed: now },
    facts: {
      caseReference: 'CAS-2026-0007',
      integrationName: 'Payments bridge',
      fromParty: 'Brightwater',
      awareAt: iso(now),
      credentials: [{ label: 'Payments key', environment: 'production', state: 'live' }],
      copies: 3,
      reason: 'Found in a public repository.',
    },
    correlationId: BY.correlationId,
  };
}
