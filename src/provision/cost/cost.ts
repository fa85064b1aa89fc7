import type { CostDriver } from './cost-driver.ts';
import { priceId } from './price-keys.ts';

/** List prices of one region, without free tiers and discounts. */
export interface Prices {
  /** `USD`, or `CNY` in the regions of China. */
  readonly currency: string;
  /** ISO date and time of the oldest of them. */
  readonly fetchedAt: string;
  /** By `priceId`; what the list does not say, or says twice, is missing. */
  readonly amounts: Readonly<Record<string, number>>;
}

export interface CostRow {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly quantityPerMonth: number | 'by use';
  /** Of one `unit`. */
  readonly unitPrice?: number;
  readonly monthly?: number;
  readonly note?: string;
}

/** Several ways to the same end, and what each costs a month without traffic. */
export interface CostComparison {
  readonly title: string;
  readonly ways: readonly { readonly title: string; readonly chosen: boolean; readonly monthly?: number }[];
}

export interface Cost {
  readonly drivers: readonly CostRow[];
  readonly comparison?: CostComparison;
  /** What is billed without any traffic; missing unless the price of each such driver is known. */
  readonly monthlyTotal?: number;
  /** Billed whatever happens, but of unknown price. */
  readonly unpriced: readonly string[];
  readonly currency?: string;
  readonly pricesFrom?: string;
}

/** @param prices undefined when none were asked for or none could be had: the drivers are shown all the same */
export function estimateCost(drivers: readonly CostDriver[], prices?: Prices): Cost {
  const counted = drivers.filter((driver) => driver.way?.chosen !== false);
  const rows = counted.map((driver) => priceDriver(driver, prices));
  const fixed = rows.filter((row) => row.quantityPerMonth !== 'by use');
  const unpriced = fixed.filter((row) => row.monthly === undefined).map((row) => row.title);
  const comparison = compareWays(drivers, prices);
  return {
    drivers: rows,
    unpriced,
    ...(comparison === undefined ? {} : { comparison }),
    ...(unpriced.length === 0 ? { monthlyTotal: sum(fixed.map((row) => row.monthly ?? 0)) } : {}),
    ...(prices === undefined ? {} : { currency: prices.currency, pricesFrom: prices.fetchedAt }),
  };
}

function priceDriver(driver: CostDriver, prices: Prices | undefined): CostRow {
  const { id, title, unit, quantityPerMonth, note, unitSize = 1 } = driver;
  const row = { id, title, unit, quantityPerMonth, ...(note === undefined ? {} : { note }) };
  const amount = prices?.amounts[priceId(driver.price)];
  if (amount === undefined) return row;
  const unitPrice = amount * unitSize;
  if (quantityPerMonth === 'by use') return { ...row, unitPrice };
  return { ...row, unitPrice, monthly: unitPrice * quantityPerMonth };
}

function compareWays(drivers: readonly CostDriver[], prices: Prices | undefined): CostComparison | undefined {
  const titles = [...new Set(drivers.flatMap(({ way }) => (way === undefined ? [] : [way.title])))];
  if (titles.length < 2) return undefined;
  const ways = titles.map((title) => {
    const own = drivers.filter(({ way }) => way?.title === title);
    const { monthlyTotal } = estimateCost(
      own.map(({ way: _, ...driver }) => driver),
      prices,
    );
    return {
      title,
      chosen: own.some(({ way }) => way?.chosen),
      ...(monthlyTotal === undefined ? {} : { monthly: monthlyTotal }),
    };
  });
  return { title: 'how functions reach Secrets Manager', ways };
}

const sum = (numbers: readonly number[]): number => numbers.reduce((total, number) => total + number, 0);
