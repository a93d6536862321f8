/** What a process does: serves requests, runs jobs and sweeps; a command does neither. Injected by whoever builds it. */
export abstract class Duties {
  abstract readonly serves: boolean;
  abstract readonly works: boolean;
}
