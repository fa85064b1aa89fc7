import { badRequest, type Request } from './web.ts';

/*
 * Reading what a caller sent: each function returns a value of the right type, or throws a 400 that names the field
 * and the reason.
 */

/** The largest id that every JSON reader keeps exact. */
const largestId = 999_999_999_999_999;

export interface Page {
  /** At most this many. */
  readonly limit: number;
  /** Only rows with a higher id; 0 for the first page. */
  readonly after: number;
}

/** `?limit=20&after=120`. The next page starts after the last id of this one, which no insert can shift. */
export function readPage({ search }: Request): Page {
  const limit = readDigits('limit', search.get('limit') ?? '20');
  if (limit < 1 || limit > 100) throw badRequest('limit must be from 1 to 100');
  return { limit, after: readDigits('after', search.get('after') ?? '0') };
}

export function readPathId({ path }: Request): number {
  const id = readDigits('id', path.id ?? '');
  if (id === 0) throw badRequest('id must be 1 or more');
  return id;
}

export function readObject({ body }: Request): Record<string, unknown> {
  const value = body();
  if (typeof value === 'object' && value !== null && !Array.isArray(value)) {
    return value as Record<string, unknown>;
  }
  throw badRequest('the body must be a JSON object');
}

export function readText(object: Record<string, unknown>, field: string, longest: number): string {
  const text = readOptionalText(object, field, longest);
  if (text === null) throw badRequest(`${field} is required`);
  if (text.trim() === '') throw badRequest(`${field} must not be empty`);
  return text;
}

export function readOptionalText(
  object: Record<string, unknown>,
  field: string,
  longest: number,
): string | null {
  const value = object[field] ?? null;
  if (value === null) return null;
  if (typeof value !== 'string') throw badRequest(`${field} must be a string`);
  // PostgreSQL stores neither a NUL nor half of a surrogate pair.
  if (/\0|\p{Surrogate}/u.test(value))
    throw badRequest(`${field} contains a character that cannot be stored`);
  if ([...value].length > longest) throw badRequest(`${field} must be at most ${longest} characters`);
  return value;
}

export function readOptionalDate(object: Record<string, unknown>, field: string): string | null {
  const value = object[field] ?? null;
  if (value === null) return null;
  if (typeof value === 'string' && /^[0-9]{4}-[0-9]{2}-[0-9]{2}$/.test(value) && isDay(value)) return value;
  throw badRequest(`${field} must be a date such as 2026-11-21`);
}

export function readWhole(
  object: Record<string, unknown>,
  field: string,
  lowest: number,
  highest: number,
): number {
  const value = object[field] ?? null;
  if (value === null) throw badRequest(`${field} is required`);
  if (typeof value === 'number' && Number.isInteger(value) && value >= lowest && value <= highest)
    return value;
  throw badRequest(`${field} must be a whole number from ${lowest} to ${highest}`);
}

export function readId(object: Record<string, unknown>, field: string): number {
  return readWhole(object, field, 1, largestId);
}

export function readOptionalIds(object: Record<string, unknown>, field: string): number[] {
  const value = object[field] ?? [];
  if (!Array.isArray(value) || value.length > 100) {
    throw badRequest(`${field} must be a list of at most 100 ids`);
  }
  const ids = value.map((id: unknown) => readId({ [field]: id }, field));
  return [...new Set(ids)];
}

function readDigits(field: string, text: string): number {
  if (/^[0-9]{1,15}$/.test(text)) return Number(text);
  throw badRequest(`${field} must be a whole number`);
}

/** `2026-02-30` looks like a date, but `Date` rolls it over to March. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !text.startsWith('0000') && !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}
