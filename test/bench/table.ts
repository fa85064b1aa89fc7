/** One line of the table. */
export interface Row {
  readonly subject: string;
  /** How often each side was measured. */
  readonly n: number;
  /** With its unit. */
  readonly measured: string;
  /** What it is compared with, with its own measure. */
  readonly peer?: string;
  /** Measured to peer, the median over pairs. */
  readonly ratio?: number;
  readonly goal?: Goal;
}

export interface Goal {
  readonly text: string;
  readonly met: boolean;
}

export const atMost = (value: number, limit: number, unit = ''): Goal => ({
  text: `≤ ${limit}${unit}`,
  met: value <= limit,
});

const headings = ['subject', 'n', 'measured', 'limit or peer', 'ratio', 'goal', 'met'];

function cells({ subject, n, measured, peer, ratio, goal }: Row): string[] {
  const met = goal === undefined ? '' : goal.met ? 'yes' : 'no';
  return [subject, String(n), measured, peer ?? '', ratio?.toFixed(2) ?? '', goal?.text ?? '', met];
}

/** A Markdown table, aligned so that it reads as plain text too. */
export function formatTable(rows: readonly Row[]): string {
  const table = [headings, ...rows.map(cells)];
  const widths = headings.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const line = (row: readonly string[]): string =>
    `| ${row.map((cell, column) => cell.padEnd(widths[column] ?? 0)).join(' | ')} |`;
  const rule = line(widths.map((width) => '-'.repeat(width)));
  return [line(headings), rule, ...table.slice(1).map(line)].join('\n');
}

/** `93 ms`, `1.24 s`, `0.61 ms`. */
export function formatMs(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(2)} s`;
  return `${ms >= 10 ? ms.toFixed(0) : ms.toFixed(2)} ms`;
}
