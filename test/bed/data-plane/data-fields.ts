/** A value of the Data API. https://docs.aws.amazon.com/rdsdataservice/latest/APIReference/API_Field.html */
export interface DataValue {
  readonly isNull?: boolean;
  readonly booleanValue?: boolean;
  readonly longValue?: number;
  readonly doubleValue?: number;
  readonly stringValue?: string;
  /** base64 */
  readonly blobValue?: string;
}

export interface DataParameter {
  readonly name: string;
  readonly value?: DataValue;
  readonly typeHint?: 'JSON' | 'UUID' | 'TIMESTAMP' | 'DATE' | 'TIME' | 'DECIMAL';
}

const hintTypes = {
  ...{ JSON: 'jsonb', UUID: 'uuid', TIMESTAMP: 'timestamp', DATE: 'date', TIME: 'time', DECIMAL: 'numeric' },
};

/** What SQL text has besides code: strings, quoted names, comments, dollar quotes, casts; and named parameters. */
const tokens =
  /'(?:[^']|'')*'|"(?:[^"]|"")*"|--[^\n]*|\/\*[\s\S]*?\*\/|(\$\w*\$)[\s\S]*?\1|::|:([A-Za-z_]\w*)/g;

/** `:name` becomes `$n`, cast to what the Data API says that the value is. */
export function bindParameters(
  sql: string,
  parameters: readonly DataParameter[],
): { readonly text: string; readonly values: unknown[] } {
  const values: unknown[] = [];
  const places = new Map<string, string>();
  const text = sql.replaceAll(tokens, (token: string, _quote: unknown, name?: string) => {
    const parameter = parameters.find((one) => one.name === name);
    if (name === undefined || parameter === undefined) return token;
    const known = places.get(name);
    if (known !== undefined) return known;
    values.push(rawValue(parameter.value ?? {}));
    const place = `$${values.length}${castOf(parameter)}`;
    places.set(name, place);
    return place;
  });
  return { text, values };
}

function rawValue(value: DataValue): unknown {
  if (value.isNull === true) return null;
  if (value.blobValue !== undefined) return Buffer.from(value.blobValue, 'base64');
  return value.stringValue ?? value.longValue ?? value.doubleValue ?? value.booleanValue ?? null;
}

function castOf({ value = {}, typeHint }: DataParameter): string {
  if (typeHint !== undefined) return `::${hintTypes[typeHint]}`;
  if (value.longValue !== undefined) return '::bigint';
  if (value.doubleValue !== undefined) return '::float8';
  if (value.booleanValue !== undefined) return '::boolean';
  if (value.blobValue !== undefined) return '::bytea';
  return value.stringValue === undefined ? '' : '::varchar';
}

/** By the numbers of pg_type. */
const kinds = new Map<number, 'boolean' | 'long' | 'double' | 'blob' | 'instant'>([
  [16, 'boolean'],
  ...[20, 21, 23, 26].map((oid) => [oid, 'long'] as const),
  ...[700, 701].map((oid) => [oid, 'double'] as const),
  [17, 'blob'],
  [1184, 'instant'],
]);

/** A row, as text, in the typed form of the Data API. Arrays and numbers of any size stay text. */
export function fieldsOf(
  row: readonly (string | null)[],
  fields: readonly { readonly dataTypeID: number }[],
): Record<string, unknown>[] {
  return row.map((text, at) =>
    text === null ? { isNull: true } : fieldOf(text, fields[at]?.dataTypeID ?? 25),
  );
}

function fieldOf(text: string, oid: number): Record<string, unknown> {
  switch (kinds.get(oid)) {
    case 'boolean':
      return { booleanValue: text === 't' };
    case 'long':
      return { longValue: Number(text) };
    case 'double':
      return { doubleValue: Number(text) };
    case 'blob':
      return { blobValue: Buffer.from(text.slice(2), 'hex').toString('base64') };
    case 'instant':
      // In UTC and without its offset.
      return { stringValue: text.replace(/\+00$/, '') };
    default:
      return { stringValue: text };
  }
}
