import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';

/** A price that was asked for; `amount` null: the list has no single answer. */
const entrySchema = z.object({
  amount: z.number().positive().nullable(),
  currency: z.string(),
  at: z.iso.datetime(),
});
const fileSchema = z.object({ version: z.literal(1), entries: z.record(z.string(), entrySchema) });

export type CachedPrice = z.infer<typeof entrySchema>;

const dayMs = 86_400_000;

const fileOf = (cacheDir: string, region: string): string => join(cacheDir, 'prices', `${region}.json`);

/** What was fetched within the last day, by price id; empty when the file is missing, old or damaged. */
export async function readPriceCache(
  cacheDir: string,
  region: string,
  now: Date,
): Promise<Map<string, CachedPrice>> {
  const text = await readFile(fileOf(cacheDir, region), 'utf8').catch(() => '');
  const parsed = fileSchema.safeParse(parseJson(text));
  if (!parsed.success) return new Map();
  const fresh = ([, { at }]: [string, CachedPrice]): boolean => {
    const age = now.getTime() - Date.parse(at);
    return age >= 0 && age < dayMs;
  };
  return new Map(Object.entries(parsed.data.entries).filter(fresh));
}

/** Whole or not at all, so that two runs side by side cannot spoil the file. A full disk costs only the cache. */
export async function writePriceCache(
  cacheDir: string,
  region: string,
  entries: ReadonlyMap<string, CachedPrice>,
): Promise<void> {
  const file = fileOf(cacheDir, region);
  const staging = `${file}.${randomUUID()}`;
  const text = JSON.stringify({ version: 1, entries: Object.fromEntries(entries) });
  try {
    await mkdir(dirname(file), { recursive: true });
    await writeFile(staging, text);
    await rename(staging, file);
  } catch {
    await rm(staging, { force: true }).catch(() => undefined);
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
