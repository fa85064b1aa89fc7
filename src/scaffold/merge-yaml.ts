import { isMap, isScalar, parseDocument, type YAMLMap } from 'yaml';

/**
 * One YAML text on top of another: maps merge key by key, `null` removes a key, everything else is replaced. Comments, tags
 * (`!Sub`) and the order of keys stay.
 *
 * @throws Error when one of the texts is no YAML map
 */
export function mergeYaml(below: string, above: string): string {
  const [base, top] = [below, above].map((text) => {
    // CloudFormation's tags are unknown to YAML: they are kept as they stand, with a warning that nobody needs.
    const document = parseDocument(text, { logLevel: 'error' });
    if (document.errors[0] !== undefined) throw document.errors[0];
    if (!isMap(document.contents)) throw new Error('a layer that is merged must be a YAML map');
    return { document, map: document.contents };
  });
  if (base === undefined || top === undefined) throw new Error('two texts are merged');
  mergeMap(base.map, top.map);
  return base.document.toString({ lineWidth: 0 });
}

function mergeMap(below: YAMLMap, above: YAMLMap): void {
  for (const pair of above.items) {
    const key = isScalar(pair.key) ? pair.key.value : pair.key;
    const existing = below.get(key, true);
    if (isScalar(pair.value) && pair.value.value === null) below.delete(key);
    else if (isMap(existing) && isMap(pair.value)) mergeMap(existing, pair.value);
    else if (existing === undefined) below.add(pair);
    else below.set(key, pair.value);
  }
}
