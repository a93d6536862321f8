import type { Millis } from '../../kernel/time.ts';
import type { Principal } from '../../kernel/principal.ts';
import type { Permission } from '../../domain/access/permissions.ts';

/** One sentence about what just happened. */
export interface Flash {
  tone: 'dead' | 'live' | 'wait';
  text: string;
}

/** What every page knows of its reader. */
export interface Frame {
  /** Absent for people who have not signed in. */
  userName?: string;
  /** Who reads; absent for people who have not signed in. */
  by?: Principal;
  /** For forms: proof that the console served them. */
  csrf: string;
  /** The areas that this reader may open. */
  areas: readonly { title: string; path: string }[];
  /** Path of the page, to mark its area. */
  path: string;
  flash?: Flash;
  now: Millis;
  /** Whether the reader belongs to one party and sees only its rows. */
  outside: boolean;
  may(permission: Permission): boolean;
}
