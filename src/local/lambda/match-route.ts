/** One route of the HTTP API and the function behind it. */
export interface Route {
  /** `GET /books/{id}`, `ANY /{proxy+}` or `$default`. */
  readonly key: string;
  readonly functionName: string;
}

export interface RouteMatch {
  readonly route: Route;
  /** Decoded; undefined where the route has none. */
  readonly pathParameters?: Readonly<Record<string, string>>;
}

type Candidate = RouteMatch & { readonly rank: readonly number[] };

/**
 * The route that API Gateway would choose: an exact path before a path variable before a greedy one, a method before
 * ANY, `$default` last.
 * https://docs.aws.amazon.com/apigateway/latest/developerguide/http-api-develop-routes.html
 *
 * @param path still percent-encoded, without the query string
 */
export function matchRoute(routes: readonly Route[], method: string, path: string): RouteMatch | undefined {
  const candidates = routes.flatMap((route) => matchOne(route, method, path) ?? []);
  const [best] = candidates.sort((a, b) => compareRanks(a.rank, b.rank));
  if (best === undefined) return undefined;
  const { route, pathParameters } = best;
  return pathParameters === undefined ? { route } : { route, pathParameters };
}

function matchOne(route: Route, method: string, path: string): Candidate | undefined {
  if (route.key === '$default') return { route, rank: [2] };
  const space = route.key.indexOf(' ');
  const wanted = route.key.slice(0, space);
  if (wanted !== method && wanted !== 'ANY') return undefined;
  const parameters: Record<string, string> = {};
  const found = path.split('/');
  const pattern = route.key.slice(space + 1).split('/');
  const ranks: number[] = [];
  for (const [index, segment] of pattern.entries()) {
    const greedy = segment.match(/^\{(.+)\+\}$/)?.[1];
    const variable = segment.match(/^\{(.+)\}$/)?.[1];
    const here = found[index];
    if (here === undefined) return undefined;
    if (greedy !== undefined) {
      const rest = found.slice(index).join('/');
      if (rest === '') return undefined;
      return finish(route, wanted, { ...parameters, [greedy]: decode(rest) }, [1, ...ranks, 2]);
    }
    if (variable !== undefined && here !== '') parameters[variable] = decode(here);
    else if (segment !== decode(here)) return undefined;
    ranks.push(variable === undefined ? 0 : 1);
  }
  if (found.length !== pattern.length) return undefined;
  return finish(route, wanted, parameters, [0, ...ranks]);
}

function finish(
  route: Route,
  method: string,
  parameters: Readonly<Record<string, string>>,
  rank: readonly number[],
): Candidate {
  const ranked = { route, rank: [...rank, method === 'ANY' ? 1 : 0] };
  return Object.keys(parameters).length === 0 ? ranked : { ...ranked, pathParameters: parameters };
}

/** The first difference decides; a lower number is the more specific route. */
function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (let index = 0; index < Math.max(a.length, b.length); index += 1) {
    const difference = (a[index] ?? 0) - (b[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}

/** Percent-decoded where that is possible. */
export function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
