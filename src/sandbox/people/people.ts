import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Journal } from '../ground/journal.ts';
import type { Sealing } from '../ground/sealing.ts';
import type { MailServer, ReadMail } from '../mail/mail-server.ts';
import type { Supplier } from '../suppliers/supplier.ts';
import { acknowledge } from './acknowledge.ts';
import { AppApi, AppRefused, isApproval, isCopyAt, isReplacement } from './app-api.ts';
import type { Replacement, WaitingStep } from './app-api.ts';
import type { Deed, DeedKind, Person } from './schema.ts';
import { issueReplacement } from './supplier-desk.ts';

type PeopleRecord =
  | { t: 'person'; person: Person }
  | { t: 'deed'; deed: Deed }
  /** Issued, and not yet told to the product. */
  | { t: 'issued'; step: string; replacement: Replacement };

const TICK_MS = 400;
/** How often somebody looks into the product for tasks. */
const LOOK_MS = 800;
const TRIES = 5;
const KEEP_DEEDS = 50_000;
/** Deeds after which a mail or a step is done with. */
const FINAL = new Set<DeedKind>([
  'read',
  'acknowledged',
  'approved',
  'replaced',
  'cleared',
  'changed',
  'gave_up',
]);

/** The people of the outside world, each living by their habits. */
export class People {
  private readonly people = new Map<string, Person>();
  private readonly deeds: Deed[] = [];
  private readonly done = new Set<string>();
  private readonly issued = new Map<string, Replacement>();
  private readonly tries = new Map<string, number>();
  private readonly notBefore = new Map<string, number>();
  private journal: Journal<PeopleRecord>;
  private timer: NodeJS.Timeout | null = null;
  private working: Promise<void> | null = null;
  private again = false;

  private constructor(
    private readonly mail: MailServer,
    private readonly suppliers: { supplier: Supplier; origin: string | null }[],
    private readonly sealing: Sealing,
  ) {}

  static async open(o: {
    dir: string;
    mail: MailServer;
    suppliers: { supplier: Supplier; origin: string | null }[];
    sealing: Sealing;
  }): Promise<People> {
    const people = new People(o.mail, o.suppliers, o.sealing);
    people.journal = await Journal.open<PeopleRecord>(join(o.dir, 'people.jsonl'), {
      replay: (record) => people.apply(record),
    });
    o.mail.onMail(() => people.wake());
    people.timer = setInterval(() => people.wake(), TICK_MS);
    people.wake();
    return people;
  }

  async close(): Promise<void> {
    if (this.timer) clearInterval(this.timer);
    this.timer = null;
    // Somebody may be waiting for a slow page. Whatever they do after this is not remembered, and done again.
    await Promise.race([this.working, delay(1_000, undefined, { ref: false })]);
    await this.journal.close();
  }

  /** New people, or new habits of known ones (by address). */
  async put(people: Person[]): Promise<void> {
    for (const person of people) {
      const sealed = person.token === undefined ? {} : { token: this.sealing.seal(person.token) };
      await this.write({ t: 'person', person: { ...person, ...sealed } });
    }
    this.wake();
  }

  list(): Omit<Person, 'token'>[] {
    return [...this.people.values()].map((known) => {
      const { token: _, ...person } = known;
      return person;
    });
  }

  deedsDone(): Deed[] {
    return this.deeds;
  }

  private wake(): void {
    if (!this.timer) return;
    this.again = true;
    this.working ??= this.live().finally(() => (this.working = null));
  }

  private async live(): Promise<void> {
    while (this.again && this.timer) {
      this.again = false;
      await Promise.all(
        [...this.people.values()].filter((person) => person.answers).map((person) => this.turn(person)),
      );
    }
  }

  /** One look around by one person. Whatever goes wrong is theirs alone. */
  private async turn(person: Person): Promise<void> {
    try {
      for (const { id, receivedAt } of this.mail.mailbox(person.email)) {
        if (!this.isDue(person, id, receivedAt)) continue;
        const mail = await this.mail.read(id);
        if (mail) await this.handle(person, mail);
      }
      if (person.approves || person.replaces || person.clears.length > 0) await this.lookForTasks(person);
    } catch (error) {
      console.error(`${person.name}: ${(error as Error).message}`);
    }
  }

  private isDue(person: Person, about: string, since: number): boolean {
    const key = `${person.email}\n${about}`;
    return !this.done.has(key) && Date.now() >= Math.max(since + person.after, this.notBefore.get(key) ?? 0);
  }

  private async handle(person: Person, mail: ReadMail): Promise<void> {
    const changed = await this.changeAtWork(person, mail);
    if (changed > 0) return this.note(person, 'changed', mail.id, `${changed} credentials`);
    if (!person.acknowledges || person.app === undefined)
      return this.note(person, 'read', mail.id, mail.subject);
    const result = await acknowledge(mail, { name: person.name, email: person.email, app: person.app });
    switch (result.outcome) {
      case 'acknowledged':
        return this.note(person, 'acknowledged', mail.id, mail.subject);
      case 'nothing to do':
        return this.note(person, 'read', mail.id, `${mail.subject}: ${result.detail}`);
      case 'later':
        // The product may be down for a while; that is no reason to forget a mail.
        this.postpone(person, mail.id, 2_000);
        return;
      case 'failed':
        return this.fail(person, mail.id, result.detail);
    }
  }

  /** Somebody who works at a supplier without an API changes what a mail names. Nobody outside can see it. */
  private async changeAtWork(person: Person, mail: ReadMail): Promise<number> {
    const work = this.suppliers.find((s) => s.supplier.key === person.worksAt)?.supplier;
    if (!work) return 0;
    const text = `${mail.subject} ${mail.text} ${mail.html}`;
    const named = [...work.book.credentials()].filter((c) => c.state === 'live' && text.includes(c.id));
    return work.setState(
      named.map((credential) => credential.id),
      'revoked',
    );
  }

  private async lookForTasks(person: Person): Promise<void> {
    if (person.app === undefined || person.token === undefined) return;
    if (Date.now() < (this.notBefore.get(person.email) ?? 0)) return;
    this.notBefore.set(person.email, Date.now() + LOOK_MS);
    const api = new AppApi(person.app, this.sealing.unseal(person.token));
    let steps: WaitingStep[];
    try {
      steps = await api.waitingForMe();
    } catch {
      this.notBefore.set(person.email, Date.now() + 2_000);
      return;
    }
    for (const step of steps) {
      const wanted =
        (person.approves && isApproval(step)) ||
        (person.replaces && isReplacement(step)) ||
        isCopyAt(step, person.clears);
      if (!wanted) continue;
      const seen = `${person.email}\nseen ${step.id}`;
      if (!this.notBefore.has(seen)) this.notBefore.set(seen, Date.now());
      if (this.isDue(person, step.id, this.notBefore.get(seen) ?? 0)) await this.settle(person, api, step);
    }
  }

  private async settle(person: Person, api: AppApi, step: WaitingStep): Promise<void> {
    try {
      if (isApproval(step)) {
        await api.approve(step, `Approved by ${person.name}.`);
        return await this.note(person, 'approved', step.id, step.title);
      }
      if (isCopyAt(step, person.clears)) {
        await api.signCopyGone(step, person.name, `Removed and looked for again by ${person.name}.`);
        return await this.note(person, 'cleared', step.id, step.item ?? step.title);
      }
      const access = this.accessFor(person, step);
      if (!access) return await this.fail(person, step.id, 'no account that fits the task');
      const place = this.suppliers.find((s) => s.supplier.key === access.supplier);
      if (!place) return await this.fail(person, step.id, `no supplier ${access.supplier}`);
      let replacement = this.issued.get(step.id);
      if (!replacement) {
        replacement = await issueReplacement(place.supplier, place.origin, access, `replace ${step.id}`);
        await this.write({ t: 'issued', step: step.id, replacement });
      }
      await api.recordReplacement(step, replacement, `Issued and stored by ${person.name}.`);
      await this.note(person, 'replaced', step.id, replacement.supplierId);
    } catch (error) {
      if (error instanceof AppRefused) await this.fail(person, step.id, error.message);
      else this.postpone(person, step.id, 2_000);
    }
  }

  private accessFor(person: Person, step: WaitingStep): Person['access'][number] | null {
    const text = `${step.title} ${step.text}`.toLowerCase();
    const named = person.access.find((a) => a.match !== undefined && text.includes(a.match.toLowerCase()));
    return named ?? (person.access.length === 1 ? (person.access[0] ?? null) : null);
  }

  private async fail(person: Person, about: string, detail: string): Promise<void> {
    const key = `${person.email}\n${about}`;
    const tries = (this.tries.get(key) ?? 0) + 1;
    this.tries.set(key, tries);
    this.postpone(person, about, 1_000 * tries);
    await this.note(person, tries < TRIES ? 'failed' : 'gave_up', about, detail);
  }

  private postpone(person: Person, about: string, ms: number): void {
    this.notBefore.set(`${person.email}\n${about}`, Date.now() + ms);
  }

  private async note(person: Person, kind: DeedKind, about: string, detail: string): Promise<void> {
    await this.write({
      t: 'deed',
      deed: { at: Date.now(), person: person.email, kind, about, detail: detail.slice(0, 500) },
    });
  }

  private async write(record: PeopleRecord): Promise<void> {
    this.apply(record);
    await this.journal.append(record);
  }

  private apply(record: PeopleRecord): void {
    if (record.t === 'person') {
      this.people.set(record.person.email, record.person);
      return;
    }
    if (record.t === 'issued') {
      this.issued.set(record.step, record.replacement);
      return;
    }
    this.deeds.push(record.deed);
    if (this.deeds.length > KEEP_DEEDS) this.deeds.shift();
    if (FINAL.has(record.deed.kind)) this.done.add(`${record.deed.person}\n${record.deed.about}`);
  }
}
