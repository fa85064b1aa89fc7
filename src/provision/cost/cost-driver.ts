import type { PriceKey } from './price-keys.ts';

/** Something that is billed. */
export interface CostDriver {
  readonly id: string;
  readonly title: string;
  readonly unit: string;
  readonly quantityPerMonth: number | 'by use';
  readonly price: PriceKey;
  /** The unit holds this many of what the price list prices (1 000 000 requests); 1 unless told. */
  readonly unitSize?: number;
  readonly note?: string;
  /** The way out of the VPC that was not chosen: shown beside the chosen one, not counted. */
  readonly way?: { readonly title: string; readonly chosen: boolean };
}

/** 8760 hours in 12 months, as AWS's own calculator has it. */
export const hoursPerMonth = 730;
