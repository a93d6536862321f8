export interface DiffLine {
  how: 'same' | 'added' | 'removed';
  text: string;
}

/** Lines that are compared one by one; what is longer is shown as replaced. */
const MOST = 1500;

/** What changed between two texts, line by line: the longest common part stays. */
export function lineDiff(before: string, after: string): DiffLine[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  if (a.length > MOST || b.length > MOST)
    return [...a.map((text) => line('removed', text)), ...b.map((text) => line('added', text))];
  const common = Array.from({ length: a.length + 1 }, () => new Uint16Array(b.length + 1));
  for (let i = a.length - 1; i >= 0; i--)
    for (let j = b.length - 1; j >= 0; j--)
      common[i]![j] =
        a[i] === b[j] ? common[i + 1]![j + 1]! + 1 : Math.max(common[i + 1]![j]!, common[i]![j + 1]!);
  const lines: DiffLine[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      lines.push(line('same', a[i]!));
      i++;
      j++;
    } else if (i < a.length && (j === b.length || common[i + 1]![j]! >= common[i]![j + 1]!))
      lines.push(line('removed', a[i++]!));
    else lines.push(line('added', b[j++]!));
  }
  return lines;
}

const line = (how: DiffLine['how'], text: string): DiffLine => ({ how, text });
