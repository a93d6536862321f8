import { Injectable } from '@nestjs/common';
import { h } from 'preact';
import { render } from 'preact-render-to-string';
import type { Id } from '../../kernel/ids.ts';
import type { Principal } from '../../kernel/principal.ts';
import { SECOND } from '../../kernel/time.ts';
import { Clock } from '../../platform/clock/clock.ts';
import { Transactions } from '../../platform/database/transactions.ts';
import { Lifecycle } from '../../platform/health/lifecycle.ts';
import { Log } from '../../platform/log/log.ts';
import type { EventStream } from '../shared/event-stream.ts';
import type { Frame } from '../shared/frame.ts';
import { pulseOf, roomOf, type Room } from './room.queries.ts';
import { ROOM_PARTS } from './room.view.tsx';

/** Somebody who looks at a room. */
interface Viewer {
  by: Principal;
  frame: Omit<Frame, 'now'>;
  stream: EventStream;
  /** What each part last looked like to them. */
  shown: Map<string, string>;
  /** @returns whether they may still look. */
  admitted: () => Promise<boolean>;
}

interface OpenRoom {
  id: Id;
  reference: string;
  viewers: Set<Viewer>;
  pulse: string;
  /** Drawn from when the pulse last changed. */
  seen: Room | undefined;
  /** Milliseconds of the last look. */
  cost: number;
  checks: number;
}

const TICK = SECOND;
/** Between two looks at the database at least this many times what a look costs, so that a room never fills the pool. */
const EASE = 5;
/** How many ticks pass between two looks at whether a viewer may still look. */
const ADMISSION_EVERY = 20;
export const MOST_VIEWERS = 200;

/**
 * Rooms that somebody looks at, one heart beat for each however many look. A beat asks the pulse, reads the room only when
 * the pulse has changed, and sends each viewer the parts that look different to them. At most one message a second.
 */
@Injectable()
export class Rooms {
  readonly #rooms = new Map<Id, OpenRoom>();

  constructor(
    private readonly transactions: Transactions,
    private readonly clock: Clock,
    private readonly lifecycle: Lifecycle,
    private readonly log: Log,
  ) {}

  get viewers(): number {
    return [...this.#rooms.values()].reduce((sum, room) => sum + room.viewers.size, 0);
  }

  join(incident: { id: Id; reference: string }, viewer: Omit<Viewer, 'shown'>): void {
    const { stream } = viewer;
    const room = this.#rooms.get(incident.id) ?? this.#open(incident);
    const member: Viewer = { ...viewer, shown: new Map() };
    room.viewers.add(member);
    const forget = this.lifecycle.atStop(() => stream.end());
    stream.onEnd(() => {
      forget();
      room.viewers.delete(member);
      if (room.viewers.size === 0 && this.#rooms.get(room.id) === room) this.#rooms.delete(room.id);
    });
  }

  #open({ id, reference }: { id: Id; reference: string }): OpenRoom {
    const room: OpenRoom = {
      id,
      reference,
      viewers: new Set(),
      pulse: '',
      seen: undefined,
      cost: 0,
      checks: 0,
    };
    this.#rooms.set(id, room);
    void this.#beat(room);
    return room;
  }

  /** Beats until nobody looks any more. */
  async #beat(room: OpenRoom): Promise<void> {
    // The first viewer joins in the same turn.
    await Promise.resolve();
    while (room.viewers.size > 0) {
      const started = performance.now();
      try {
        await this.#look(room);
      } catch (thrown) {
        this.log.warn({ err: thrown, incident: room.reference }, 'a room could not be looked at');
      }
      room.cost = performance.now() - started;
      await new Promise((resolve) => setTimeout(resolve, Math.max(TICK, EASE * room.cost)).unref());
    }
  }

  async #look(room: OpenRoom): Promise<void> {
    if ((room.checks = (room.checks + 1) % ADMISSION_EVERY) === 0) await this.#readmit(room);
    const [first] = room.viewers;
    if (!first) return;
    const now = this.clock.now();
    const pulse = await this.transactions.run(first.by, (db) => pulseOf(db, room.id));
    if (pulse !== room.pulse || !room.seen) {
      room.seen = await this.transactions.run(first.by, (db) => roomOf(db, room.reference, now));
      room.pulse = pulse;
    }
    if (!room.seen) return;
    for (const viewer of room.viewers) if (viewer.stream.ready) this.#send(room.seen, viewer, now);
  }

  async #readmit(room: OpenRoom): Promise<void> {
    for (const viewer of room.viewers) if (!(await viewer.admitted())) viewer.stream.end();
  }

  #send(seen: Room, viewer: Viewer, now: number): void {
    const frame: Frame = { ...viewer.frame, now };
    const changed: string[] = [];
    for (const { id, draw } of ROOM_PARTS) {
      const html = render(h('div', null, draw(seen, frame))).slice('<div>'.length, -'</div>'.length);
      if (viewer.shown.get(id) === html) continue;
      viewer.shown.set(id, html);
      changed.push(`<hx-partial hx-target="#${id}" hx-swap="innerMorph">${html}</hx-partial>`);
    }
    if (changed.length > 0) viewer.stream.send(changed.join(''));
  }
}
