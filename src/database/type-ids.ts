/** `pg_type.oid` by `typname`. Those of built-in types never change: src/include/catalog/pg_type.dat of PostgreSQL. */
export const typeIds = {
  bool: 16,
  int8: 20,
  int2: 21,
  int4: 23,
  text: 25,
  oid: 26,
  json: 114,
  float4: 700,
  float8: 701,
  numeric: 1700,
  jsonb: 3802,
} as const;
