import { type Filter, GetProductsCommand, type PricingClient } from '@aws-sdk/client-pricing';
import type { Report } from '../../context.ts';
import { errorMessage } from '../../errors.ts';
import type { Prices } from '../../provision/cost/cost.ts';
import type { CostDriver } from '../../provision/cost/cost-driver.ts';
import { type PriceKey, priceId } from '../../provision/cost/price-keys.ts';
import { type CachedPrice, readPriceCache, writePriceCache } from './price-cache.ts';
import { choosePrice } from './price-list.ts';

export interface FetchPricesOptions {
  /** The user's cache folder; prices are kept in it for a day. */
  readonly cacheDir: string;
  readonly report: Report;
  /** Ctrl-C. Its reason is thrown; any other trouble is a warning. */
  readonly signal?: AbortSignal;
  readonly now?: () => Date;
  /** For all questions together. A plan must not hang on its price tag. */
  readonly timeoutMs?: number;
}

const questionsAtOnce = 4;
/** Of 100 products each; the narrow questions asked here need one. */
const mostPages = 20;

/**
 * Where the Price List API is asked about `region`: it answers in few regions, for all of them.
 * https://docs.aws.amazon.com/awsaccountbilling/latest/aboutv2/using-price-list-query-api.html
 */
export function pricingRegion(region: string): string {
  if (region.startsWith('cn-')) return 'cn-northwest-1';
  if (/^(eu|me|af|il)-/.test(region)) return 'eu-central-1';
  return region.startsWith('ap-') ? 'ap-south-1' : 'us-east-1';
}

/**
 * List prices of `region` for all drivers, from the cache or by one question each.
 *
 * Never fails: what could not be had is missing and reported once as `prices-warning`.
 * @returns undefined when not a single price is known
 */
export async function fetchPrices(
  client: PricingClient,
  region: string,
  drivers: readonly CostDriver[],
  options: FetchPricesOptions,
): Promise<Prices | undefined> {
  const now = (options.now ?? (() => new Date()))();
  const known = await readPriceCache(options.cacheDir, region, now);
  const wanted = new Map(drivers.map(({ price }) => [priceId(price), price]));
  const missing = [...wanted].filter(([id]) => !known.has(id));
  if (missing.length > 0) {
    const found = await askAll(client, region, missing, now, options);
    for (const [id, price] of found) known.set(id, price);
    if (found.size > 0) await writePriceCache(options.cacheDir, region, known);
  }
  return toPrices([...wanted.keys()], known);
}

function toPrices(ids: readonly string[], known: ReadonlyMap<string, CachedPrice>): Prices | undefined {
  const used = ids.flatMap((id) => {
    const price = known.get(id);
    return price === undefined || price.amount === null ? [] : [{ id, ...price, amount: price.amount }];
  });
  const [first] = used;
  if (first === undefined) return undefined;
  const oldest = used.map(({ at }) => at).sort()[0] ?? first.at;
  const sameCurrency = used.filter(({ currency }) => currency === first.currency);
  const amounts = Object.fromEntries(sameCurrency.map(({ id, amount }) => [id, amount]));
  return { currency: first.currency, fetchedAt: oldest, amounts };
}

/** Side by side. Whoever meets a failure stops asking: as a rule, what refuses one question refuses them all. */
async function askAll(
  client: PricingClient,
  region: string,
  questions: readonly (readonly [string, PriceKey])[],
  now: Date,
  options: FetchPricesOptions,
): Promise<Map<string, CachedPrice>> {
  const found = new Map<string, CachedPrice>();
  const timeoutMs = options.timeoutMs ?? 20_000;
  const patience = AbortSignal.timeout(timeoutMs);
  const signal = options.signal === undefined ? patience : AbortSignal.any([patience, options.signal]);
  const left = [...questions];
  let failure: unknown;
  const work = async (): Promise<void> => {
    for (let next = left.shift(); next !== undefined; next = left.shift()) {
      const [id, key] = next;
      const price = choosePrice(await askProducts(client, region, key, signal), key);
      found.set(id, {
        amount: price?.amount ?? null,
        currency: price?.currency ?? 'USD',
        at: now.toISOString(),
      });
    }
  };
  const fail = (error: unknown): void => {
    failure ??= error;
  };
  await Promise.all(Array.from({ length: questionsAtOnce }, () => work().catch(fail)));
  options.signal?.throwIfAborted();
  if (failure !== undefined) {
    const reason = patience.aborted ? `no answer within ${timeoutMs / 1000} s` : errorMessage(failure);
    options.report({ type: 'prices-warning', message: `prices could not be read: ${reason}`, region });
  }
  return found;
}

async function askProducts(
  client: PricingClient,
  region: string,
  key: PriceKey,
  signal: AbortSignal,
): Promise<string[]> {
  const filters: Filter[] = [
    { Type: 'TERM_MATCH', Field: 'regionCode', Value: region },
    { Type: 'CONTAINS', Field: 'usagetype', Value: key.usagetype },
    ...Object.entries(key.attributes ?? {}).map(
      ([Field, Value]): Filter => ({ Type: 'TERM_MATCH', Field, Value }),
    ),
  ];
  const products: string[] = [];
  let token: string | undefined;
  for (let page = 0; page < mostPages; page++) {
    const command = new GetProductsCommand({
      ServiceCode: key.serviceCode,
      FormatVersion: 'aws_v1',
      Filters: filters,
      ...(token === undefined ? {} : { NextToken: token }),
    });
    const answer = await client.send(command, { abortSignal: signal });
    // The SDK's own LazyJsonString: turned into plain text here.
    products.push(...(answer.PriceList ?? []).map(String));
    token = answer.NextToken;
    if (token === undefined || token === '') break;
  }
  return products;
}
