/**
 * Whether a policy calls a scope sensitive. In a pattern `*` stands for any characters; capitals make no difference.
 *
 * @param patterns as a policy names them: `*admin*`, `repo:delete`
 */
export function isSensitive(scope: string, patterns: readonly string[]): boolean {
  return patterns.some((pattern) => matches(scope.toLowerCase(), pattern.toLowerCase().split('*')));
}

/** Piece after piece, each as early as it can be: no expression that could take for ever. */
function matches(scope: string, [first = '', ...rest]: readonly string[]): boolean {
  if (!scope.startsWith(first)) return false;
  const last = rest.pop();
  if (last === undefined) return scope === first;
  let at = first.length;
  for (const piece of rest) {
    const found = scope.indexOf(piece, at);
    if (found < 0) return false;
    at = found + piece.length;
  }
  return scope.length - last.length >= at && scope.endsWith(last);
}
