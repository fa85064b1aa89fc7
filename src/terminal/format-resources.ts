import { paint } from './format-event.ts';

interface Resource {
  readonly title: string;
  readonly state: string;
  readonly why?: string;
  readonly differences?: readonly {
    readonly property: string;
    readonly have: string;
    readonly want: string;
  }[];
}

const colours: Readonly<Record<string, 'green' | 'yellow' | 'red' | 'cyan' | 'dim'>> = {
  ready: 'green',
  pending: 'cyan',
  drifted: 'yellow',
  foreign: 'red',
  unverified: 'cyan',
  absent: 'dim',
};

/** Resources as lines: state, title, and what is not as it should be. */
export function formatResources(resources: readonly Resource[], stream: NodeJS.WriteStream): string {
  const width = Math.max(...resources.map(({ state }) => state.length));
  return resources
    .flatMap(({ title, state, why, differences = [] }) => [
      `  ${paint(colours[state] ?? 'dim', state.padEnd(width), stream)}  ${title}${why === undefined ? '' : ` (${why})`}`,
      ...differences.map(
        ({ property, have, want }) => `  ${' '.repeat(width)}    ${property}: ${have}, wanted ${want}`,
      ),
    ])
    .join('\n');
}
