import { quoteIdentifier } from '../../database/identifier.ts';
import type { Grant, GraphObject, RoleGraph } from '../../database/role-graph.ts';
import type { ParityFinding, ParityLogins } from './parity-finding.ts';

const mostNamed = 5;

/** Rights that one login has in its own name and the other has neither so nor through the app role. */
export function compareGrants(
  graph: RoleGraph,
  { current, standby, app, slots }: ParityLogins,
): ParityFinding[] {
  const adopted = current !== slots.a && current !== slots.b;
  const lacking: string[] = [];
  const mend: string[] = [];
  const extra: string[] = [];
  for (const { on, name, grants } of graph.objects.flatMap(grantTargets)) {
    const rights = (to: string | null): string[] => rightsOf(grants, to);
    const heirs = [...rights(standby), ...rights(app), ...rights(null)];
    const less = rights(current).filter((right) => !heirs.includes(right));
    if (less.length > 0) {
      lacking.push(`${less.join(', ')} on ${name}`);
      mend.push(
        `GRANT ${less.map(on.right).join(', ')} ON ${on.object} TO ${quoteIdentifier(adopted ? app : standby)}`,
      );
    }
    const more = rights(standby).filter(
      (right) => ![...rights(current), ...rights(app), ...rights(null)].includes(right),
    );
    // CONNECT is what each slot has for itself.
    if (more.length > 0 && !adopted) extra.push(`${more.join(', ')} on ${name}`);
  }
  return [
    ...finding('refuse', current, standby, lacking, mend),
    ...finding('warn', standby, current, extra, []),
  ];
}

function finding(
  severity: ParityFinding['severity'],
  one: string,
  other: string,
  rights: readonly string[],
  mend: readonly string[],
): ParityFinding[] {
  if (rights.length === 0) return [];
  const more = rights.length > mostNamed ? `, and on ${rights.length - mostNamed} more` : '';
  const named = rights.slice(0, mostNamed).join('; ');
  return [
    {
      fault: 'grant-differs',
      severity,
      message: `"${one}" has rights of its own that "${other}" has not: ${named}${more}`,
      mend,
    },
  ];
}

interface GrantTarget {
  readonly name: string;
  readonly grants: readonly Grant[];
  readonly on: { readonly object: string; right(right: string): string };
}

/** An object, and each of its columns with rights of its own. */
export function grantTargets(object: GraphObject): GrantTarget[] {
  const place = grantPlace(object);
  return [
    { name: object.name, grants: object.grants ?? [], on: { object: place, right: (right) => right } },
    ...(object.columns ?? []).map(({ name, grants }) => ({
      name: `${object.name} (${name})`,
      grants,
      on: { object: place, right: (right: string) => `${right} (${name})` },
    })),
  ];
}

/** What stands after ON in a GRANT. Views and foreign tables are tables there. */
export function grantPlace({ kind, name }: Pick<GraphObject, 'kind' | 'name'>): string {
  const isTable = ['TABLE', 'VIEW', 'MATERIALIZED VIEW', 'FOREIGN TABLE'].includes(kind);
  return `${isTable ? 'TABLE' : kind} ${name}`;
}

/** Without the star of those that may be passed on. */
export function rightsOf(grants: readonly Grant[] | null, to: string | null): string[] {
  return (grants ?? [])
    .filter((grant) => grant.to === to)
    .flatMap(({ rights }) => rights.map((right) => right.replace('*', '')));
}

/** Default privileges that name one login: of what it makes, or in its favour. */
export function compareDefaults(
  graph: RoleGraph,
  { current, standby, app, slots }: ParityLogins,
): ParityFinding[] {
  const adopted = current !== slots.a && current !== slots.b;
  return graph.defaultPrivileges.flatMap(({ owner, schema, on, grants }): ParityFinding[] => {
    const heirs = [...rightsOf(grants, standby), ...rightsOf(grants, app), ...rightsOf(grants, null)];
    const less = rightsOf(grants, current).filter((right) => !heirs.includes(right));
    if (less.length === 0 || owner === current) return [];
    const where = schema === null ? '' : ` IN SCHEMA ${schema}`;
    const heir = quoteIdentifier(adopted ? app : standby);
    return [
      {
        fault: 'default-privilege-differs',
        severity: 'refuse',
        message: `what "${owner}" makes (${on}) comes with ${less.join(', ')} for "${current}" and not for "${standby}"`,
        mend: [
          `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(owner)}${where} GRANT ${less.join(', ')} ON ${on} TO ${heir}`,
        ],
      },
    ];
  });
}
