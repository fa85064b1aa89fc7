import type { PriceKey } from '../../provision/cost/price-keys.ts';

/** One product as GetProducts answers it, each a JSON text of its own. Only what is read here. */
interface Product {
  readonly attributes: Readonly<Record<string, string>>;
  /** The first tier that costs something. */
  readonly price: Amount | undefined;
}

export interface Amount {
  readonly amount: number;
  readonly currency: string;
}

interface PriceDimension {
  readonly beginRange?: string;
  readonly pricePerUnit?: Readonly<Record<string, string>>;
}

interface RawProduct {
  readonly product?: { readonly attributes?: Readonly<Record<string, string>> };
  readonly terms?: {
    readonly OnDemand?: Readonly<
      Record<string, { readonly priceDimensions?: Readonly<Record<string, PriceDimension>> }>
    >;
  };
}

/**
 * The one on-demand price that answers `key`, or undefined: nothing fits, or several products with different prices
 * do. A price that may be the wrong one is worse than none.
 *
 * @param priceList the `PriceList` of GetProducts' answers
 * @throws SyntaxError when an entry is not JSON
 */
export function choosePrice(priceList: readonly string[], key: PriceKey): Amount | undefined {
  const fitting = priceList.map(parseProduct).filter(({ attributes }) => fits(attributes, key));
  const preferred = fitting.filter(({ attributes }) => includes(attributes, key.prefer ?? {}));
  const left = (preferred.length > 0 ? preferred : fitting).flatMap(({ price }) => price ?? []);
  const [first] = left;
  if (first === undefined) return undefined;
  const agree = left.every(({ amount, currency }) => amount === first.amount && currency === first.currency);
  return agree ? first : undefined;
}

function parseProduct(text: string): Product {
  const raw = JSON.parse(text) as RawProduct;
  return { attributes: raw.product?.attributes ?? {}, price: findPrice(raw) };
}

/** "EUC1-", "EU-", "APN1-", "UGW1-"; us-east-1 has none for its oldest products. */
const regionPrefix = /^[A-Z]{2,4}\d?-/;

function fits(attributes: Product['attributes'], key: PriceKey): boolean {
  const usagetype = attributes.usagetype ?? '';
  const matches = [usagetype, usagetype.replace(regionPrefix, '')].some((type) =>
    key.usagetype.endsWith(':') ? type.startsWith(key.usagetype) : type === key.usagetype,
  );
  return matches && includes(attributes, key.attributes ?? {});
}

const includes = (attributes: Product['attributes'], wanted: Readonly<Record<string, string>>): boolean =>
  Object.entries(wanted).every(([name, value]) => attributes[name] === value);

function findPrice(raw: RawProduct): Amount | undefined {
  const dimensions = Object.values(raw.terms?.OnDemand ?? {}).flatMap(({ priceDimensions }) =>
    Object.values(priceDimensions ?? {}),
  );
  const tiers = dimensions
    .flatMap(({ beginRange = '0', pricePerUnit = {} }) =>
      Object.entries(pricePerUnit).map(([currency, amount]) => ({
        begin: Number(beginRange),
        amount: Number(amount),
        currency,
      })),
    )
    .filter(({ amount }) => amount > 0)
    .sort((a, b) => a.begin - b.begin);
  const [first] = tiers;
  return first === undefined ? undefined : { amount: first.amount, currency: first.currency };
}
