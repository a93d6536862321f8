export interface Project {
  name: string;
  testMatch: string[];
}

/** Names of the projects that take a file. @throws Error for a pattern with more than `**`, `*`, `{a,b}` and `?(x)` in it */
export function projectsOf(path: string, projects: readonly Project[]): string[] {
  return projects
    .filter(({ testMatch }) => testMatch.some((glob) => pattern(glob).test(path)))
    .map(({ name }) => name);
}

function pattern(glob: string): RegExp {
  const body = glob
    .replace('<rootDir>/', '')
    .replaceAll(/\*\*\/|\*|\{[\w,]+\}|\?\(\w+\)|[\w/-]+|\.|[^]/g, (part) => {
      if (part === '**/') return '(?:[^/]+/)*';
      if (part === '*') return '[^/]*';
      if (part === '.') return '\\.';
      if (part.startsWith('{')) return `(?:${part.slice(1, -1).replaceAll(',', '|')})`;
      if (part.startsWith('?(')) return `(?:${part.slice(2, -1)})?`;
      if (/^[\w/-]+$/.test(part)) return part;
      throw new Error(`the pattern ${glob} cannot be read`);
    });
  return new RegExp(`^${body}$`);
}
