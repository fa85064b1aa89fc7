import {
  databaseAuths,
  databaseKinds,
  engineKinds,
  frameworks,
  languages,
  networkKinds,
  packagings,
} from '../../src/project/choices.ts';
import { getTemplate } from '../../src/scaffold/catalog.ts';
import { resolveChoices } from '../../src/scaffold/resolve-choices.ts';

/** Flags of `init` that make one project. */
export interface Crossing {
  readonly engine: string;
  readonly language: string;
  readonly framework: string;
  readonly packaging: string;
  readonly database: string;
  readonly proxy: boolean;
  readonly auth: string;
  readonly network?: string;
  readonly subnets?: string;
  readonly 'heroku-addon'?: string;
}

const factors: readonly (readonly [name: keyof Crossing | 'network', values: readonly unknown[]])[] = [
  ['engine', engineKinds],
  ['language', languages],
  ['framework', frameworks],
  ['packaging', packagings],
  ['database', databaseKinds],
  ['proxy', [true, false]],
  ['auth', databaseAuths],
  ['network', [...networkKinds, undefined]],
];

/** Every crossing that `init` takes. */
export function everyCrossing(): Crossing[] {
  const all = factors.reduce<Record<string, unknown>[]>(
    (rows, [name, values]) => rows.flatMap((row) => values.map((value) => ({ ...row, [name]: value }))),
    [{}],
  );
  return (
    all
      .map(
        ({ network, ...row }) =>
          ({
            ...row,
            ...(network !== undefined && { network }),
            ...(network === 'existing' && { subnets: 'subnet-0a1,subnet-0a2' }),
            ...(row.database === 'heroku' && { 'heroku-addon': 'postgresql-round-12345' }),
          }) as unknown as Crossing,
      )
      .filter(isTaken)
      // Without a network the default is taken, which is `isolated` for a database of AWS's.
      .filter(
        ({ network, database }) => (network === undefined) === (database === 'heroku' || database === 'url'),
      )
  );
}

function isTaken(crossing: Crossing): boolean {
  try {
    resolveChoices(getTemplate('api'), crossing);
    return true;
  } catch {
    return false;
  }
}

const isFactor = (name: string): boolean => factors.some(([factor]) => factor === name);

/** Each pair of values that a crossing holds. */
export function pairsOf(crossing: Crossing): string[] {
  const entries = Object.entries(crossing).filter(([name]) => isFactor(name));
  return entries.flatMap(([name, value], index) =>
    entries.slice(index + 1).map(([other, second]) => `${name}=${value} ${other}=${second}`),
  );
}

/** Few crossings that hold, together, every pair of values that can be together. Always the same ones. */
export function pairwiseCrossings(): Crossing[] {
  const all = everyCrossing().map((crossing) => ({ crossing, pairs: pairsOf(crossing) }));
  const open = new Set(all.flatMap(({ pairs }) => pairs));
  const chosen: Crossing[] = [];
  while (open.size > 0) {
    const gain = ({ pairs }: { pairs: string[] }): number => pairs.filter((pair) => open.has(pair)).length;
    const best = all.reduce((first, second) => (gain(second) > gain(first) ? second : first));
    chosen.push(best.crossing);
    for (const pair of best.pairs) open.delete(pair);
  }
  return chosen;
}

export const titleOf = (crossing: Crossing): string =>
  Object.entries(crossing)
    .filter(([name, value]) => isFactor(name) && value !== 'none' && value !== 'zip')
    .map(([name, value]) => (typeof value === 'boolean' ? `${value ? '' : 'no-'}${name}` : value))
    .join(' ');
