import type { Budget } from './budget.ts';
import { alignColumns } from './columns.ts';

/** The budget for a person: a table and what it means, without colour. */
export function formatBudget(budget: Budget): string {
  const rows = [
    ['consumer', 'environments', 'each', 'connections', 'because of'],
    ...budget.demand.map((row) => [
      row.consumer,
      String(row.environments ?? '-'),
      String(row.perEnvironment ?? '-'),
      String(row.connections),
      row.source,
    ]),
  ];
  const lines = [
    `connections: ${budget.formula}`,
    ...(budget.available === undefined ? [] : [formatAvailable(budget)]),
    ...alignColumns(rows, [1, 2, 3]).map((line) => `  ${line}`),
    ...(budget.proxyShare === undefined ? [] : [formatProxy(budget.proxyShare)]),
    ...(budget.proxyShare === undefined ? [deploymentNote] : []),
    `${budget.fits === false ? 'too many' : 'result'}: ${budget.message}`,
  ];
  return lines.join('\n');
}

/** Frozen environments of the former version keep their connections until Lambda removes them. */
const deploymentNote =
  '  while a new version takes over, idle environments of the former one may hold connections too';

function formatAvailable(budget: Budget): string {
  const reserved = budget.reserved.map((slots) => `${slots.connections} ${slots.setting}`).join(', ');
  const about = budget.estimated ? 'about ' : '';
  return `  available to roles of the project: ${about}${budget.available} (kept back: ${reserved})`;
}

function formatProxy(share: number): string {
  return (
    `  functions connect to the proxy, which opens at most ${share} connections to the database; ` +
    'clients above that wait, for borrowTimeoutSeconds at most'
  );
}
