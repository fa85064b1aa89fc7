import { paint } from './format-event.ts';

interface Action {
  readonly title: string;
  readonly kind: string;
  readonly why?: string;
  readonly differences?: readonly {
    readonly property: string;
    readonly have: string;
    readonly want: string;
  }[];
}

const marks: Readonly<Record<string, readonly [string, 'green' | 'yellow' | 'red' | 'cyan' | 'dim']>> = {
  create: ['+', 'green'],
  update: ['~', 'yellow'],
  wait: ['…', 'cyan'],
  verify: ['?', 'cyan'],
  refuse: ['!', 'red'],
  remove: ['-', 'red'],
  keep: ['=', 'dim'],
};

/** A plan as lines: what changes, each with its mark; what stays is only counted. */
export function formatPlan(actions: readonly Action[], stream: NodeJS.WriteStream): string {
  const changing = actions.filter(({ kind, why }) => kind !== 'keep' || why !== undefined);
  const lines = changing.flatMap(({ kind, title, why, differences = [] }) => {
    const [mark = ' ', colour = 'dim'] = marks[kind] ?? [];
    return [
      `  ${paint(colour, mark, stream)} ${title}${why === undefined ? '' : ` (${why})`}`,
      ...differences.map(({ property, have, want }) => `      ${property}: ${have} -> ${want}`),
    ];
  });
  return [...lines, `  ${countActions(actions)}`].join('\n');
}

const words: readonly (readonly [string, string])[] = [
  ['create', 'to create'],
  ['update', 'to change'],
  ['wait', 'to wait for'],
  ['verify', 'to verify'],
  ['remove', 'to remove'],
  ['keep', 'unchanged'],
];

/** `3 to create, 1 to change, 20 unchanged` */
export function countActions(actions: readonly Action[]): string {
  const counts = words
    .map(([kind, what]) => [actions.filter((action) => action.kind === kind).length, what] as const)
    .filter(([count]) => count > 0);
  return counts.length === 0 ? 'nothing' : counts.map(([count, what]) => `${count} ${what}`).join(', ');
}
