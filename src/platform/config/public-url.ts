import type { Config } from './config.ts';

/** How people reach the console: as configured, else the address that the process listens on. Goes into links in mails. */
export class PublicUrl {
  #listening: string | undefined;

  constructor(private readonly config: Config) {}

  /** Told once the port is known; a fixed COUNTERSIGN_PUBLIC_URL wins. */
  listensOn(url: string): void {
    this.#listening = url;
  }

  /** Without a slash at the end. */
  get(): string {
    return this.config.publicUrl ?? this.#listening ?? `http://${this.config.host}:${this.config.port}`;
  }
}
