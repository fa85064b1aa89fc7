import { UserError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import type { SeedTable } from './seed-table.ts';

/**
 * @param columns the header of a CSV file
 * @throws UserError SEED_BAD_HEADER with all faults: an unknown, doubled, empty or generated column, a key that is
 *   not there
 */
export function verifyColumns(path: string, columns: readonly string[], table: SeedTable): void {
  const known = [...table.columns.keys()];
  const faults: string[] = [];
  const suggestions: string[] = [];
  for (const [index, name] of columns.entries()) {
    if (columns.indexOf(name) < index) faults.push(`"${name}" stands twice`);
    else if (name === '') faults.push(`column ${index + 1} has no name`);
    else if (table.columns.get(name)?.generated === true) {
      faults.push(`"${name}" is a generated column, which PostgreSQL computes`);
      suggestions.push(`leave "${name}" out of the file`);
    } else if (!table.columns.has(name)) {
      faults.push(`table "${table.name}" has no column "${name}"`);
      suggestions.push(suggestColumn(name, known));
    }
  }
  for (const name of table.key.filter((key) => !columns.includes(key))) {
    faults.push(`"${name}", by which rows are found again, is missing`);
    suggestions.push(
      `add the column "${name}", or declare another key in the file's name, like @${known.find((other) => other !== name) ?? 'code'}`,
    );
  }
  if (faults.length === 0) return;
  throw new UserError('SEED_BAD_HEADER', faults.map((fault) => `${path} line 1: ${fault}`).join('\n'), {
    suggestions,
  });
}

function suggestColumn(name: string, known: readonly string[]): string {
  if (/[;\t]/.test(name)) return 'separate the columns by commas';
  const near = nearest(name, known) ?? nearest(name.trim(), known);
  return near === undefined ? `the table's columns: ${known.join(', ')}` : `did you mean "${near}"?`;
}
