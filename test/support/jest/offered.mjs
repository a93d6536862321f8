const offered = new Map();

/** What the modules of that file get for `@jest/globals`. */
export function offer(file, globals) {
  offered.clear();
  offered.set(file, globals);
}

export function offeredTo(file) {
  const globals = offered.get(file);
  if (!globals) throw new Error('`@jest/globals` is for tests and for what they alone import');
  return globals;
}
