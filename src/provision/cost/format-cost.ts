import { alignColumns } from '../columns.ts';
import type { Cost, CostComparison, CostRow } from './cost.ts';

/** What is billed, per what, and (where prices are known) how much; without colour. */
export function formatCost(cost: Cost): string {
  const priced = cost.pricesFrom !== undefined;
  const heads = ['billed', 'per', 'a month', ...(priced ? ['price', 'monthly'] : [])];
  const rows = [heads, ...cost.drivers.map((row) => cellsOf(row, priced))];
  return [
    priced ? `cost: list prices in ${cost.currency}, without free tier or discount` : 'cost: what is billed',
    ...alignColumns(rows, [2, 3, 4]).map((line) => `  ${line}`),
    ...(cost.comparison === undefined ? [] : [`  ${formatComparison(cost.comparison, cost.currency)}`]),
    ...cost.drivers.flatMap((row) => (row.note === undefined ? [] : [`  ${row.title}: ${row.note}`])),
    ...formatTotal(cost),
  ].join('\n');
}

function cellsOf(row: CostRow, priced: boolean): string[] {
  const quantity = row.quantityPerMonth === 'by use' ? 'by use' : String(row.quantityPerMonth);
  const cells = [row.title, row.unit, quantity];
  if (!priced) return cells;
  const monthly = row.quantityPerMonth === 'by use' ? '' : formatAmount(row.monthly);
  return [...cells, row.unitPrice === undefined ? '?' : formatPrice(row.unitPrice), monthly];
}

function formatComparison(comparison: CostComparison, currency: string | undefined): string {
  const ways = comparison.ways.map(({ title, chosen, monthly }) => {
    const amount = monthly === undefined ? '' : ` ${formatAmount(monthly)} ${currency ?? ''} a month`;
    return `${title}${amount}${chosen ? ' (chosen)' : ''}`;
  });
  return `${comparison.title}: ${ways.join(', or ')}; data comes on top`;
}

function formatTotal(cost: Cost): string[] {
  if (cost.pricesFrom === undefined) return [];
  const day = cost.pricesFrom.slice(0, 10);
  if (cost.monthlyTotal === undefined) {
    return [`total unknown: no price found for ${cost.unpriced.join(', ')} (asked on ${day})`];
  }
  return [
    `at least ${formatAmount(cost.monthlyTotal)} ${cost.currency} a month, without traffic (prices of ${day})`,
  ];
}

const formatAmount = (amount: number | undefined): string => (amount === undefined ? '?' : amount.toFixed(2));

/** Ten decimals hold the price of a GB-second; never an exponent. */
const formatPrice = (price: number): string => price.toFixed(10).replace(/\.?0+$/, '');
