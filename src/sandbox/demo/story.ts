import { constants } from 'node:fs';
import { access, mkdir, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { writeWhole } from '../folder.ts';
import { Misused } from './options.ts';

/** A credential version that the demonstration had issued: everything but its value. */
export interface StoryVersion {
  credential: string;
  number: number;
  supplierId: string;
  sha256: string;
  issuedAt: string;
}

/** One delivery of the code host, planned before it is sent, so that a second try is the same delivery. */
export interface PlannedDelivery {
  guid: string;
  event: 'secret_scanning_alert' | 'secret_scanning_alert_location';
  repo: string;
  number: number;
  location: number;
  withSecret: boolean;
  /** Sent once more when it has arrived, as code hosts do. */
  again: boolean;
  what: string;
}

/** One leak and what became of it. */
export interface Leak {
  /** Counts from 1. */
  number: number;
  /** The repository in which it was found. */
  repo: string;
  leaked: { credential: string; label: string; supplier: string; supplierId: string }[];
  deliveries: PlannedDelivery[];
  /** Whether what it needs has been imported. */
  imported: boolean;
  /** Whether it was told that nothing of it will move any more. */
  over: boolean;
}

/**
 * What the demonstration remembers in its folder, so that it can go on after it was killed. Values of credentials are not
 * in it: between their issue and the alert at the code host they are in memory alone.
 */
export interface Story {
  format: 1;
  /** `embedded`, or what names the database that it was begun on. */
  database: string;
  port: number;
  /** What the outside world listened on when the portfolio was imported. */
  hosts: string[];
  adminToken: string | null;
  signIn: { email: string; password: string } | null;
  /** Connections that have their secrets. */
  equipped: string[];
  hook: boolean;
  people: boolean;
  /** Every version that was issued, in the order of issue. */
  versions: StoryVersion[];
  leaks: Leak[];
}

export class StoryFolder {
  readonly dir: string;
  readonly worldDir: string;
  readonly file: string;

  private constructor(dataFolder: string) {
    this.dir = resolve(dataFolder, 'demo');
    this.worldDir = join(this.dir, 'world');
    this.file = join(this.dir, 'story.json');
  }

  static async open(dataFolder: string): Promise<StoryFolder> {
    const folder = new StoryFolder(dataFolder);
    // Below it lie tokens; only its owner may look.
    try {
      await mkdir(folder.dir, { recursive: true, mode: 0o700 });
      await access(folder.dir, constants.W_OK);
    } catch (error) {
      throw new Misused(
        `COUNTERSIGN_DATA: ${folder.dir} cannot be written (${(error as NodeJS.ErrnoException).code}). Name a folder that can.`,
      );
    }
    return folder;
  }

  pidFile(name: 'app' | 'world' | 'demo'): string {
    return join(this.dir, `${name}.pid`);
  }

  /** @throws Error when the file is there and is no story */
  async read(): Promise<Story | null> {
    let text: string;
    try {
      text = await readFile(this.file, 'utf8');
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
      throw error;
    }
    const story = parsed(text);
    if (story?.format !== 1) {
      throw new Error(
        `${this.file} is not what this release writes; move the folder ${this.dir} away and start again`,
      );
    }
    return story;
  }

  async write(story: Story): Promise<void> {
    await writeWhole(this.file, `${JSON.stringify(story, null, 2)}\n`);
  }
}

function parsed(text: string): Story | null {
  try {
    return JSON.parse(text) as Story;
  } catch {
    return null;
  }
}

export const newStory = (database: string, port: number): Story => ({
  format: 1,
  database,
  port,
  hosts: [],
  adminToken: null,
  signIn: null,
  equipped: [],
  hook: false,
  people: false,
  versions: [],
  leaks: [],
});
