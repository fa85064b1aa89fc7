import { quoteIdentifier, quoteLiteral } from '../../database/identifier.ts';
import type { GraphObject } from '../../database/role-graph.ts';
import { rightsOf } from '../parity/parity-grants.ts';
import type { Adoption, AdoptStep } from './adopt-step.ts';

/** The owner gets the database; who may connect is kept, and PUBLIC keeps what it has. */
export function planDatabase({ graph, role, names }: Adoption): AdoptStep[] {
  const database = graph.objects.find(({ kind }) => kind === 'DATABASE');
  if (database === undefined) return [];
  const { name, owner, grants } = database;
  const steps: AdoptStep[] = [];
  if (owner !== names.owner) {
    const sql = `ALTER DATABASE ${name} OWNER TO ${quoteIdentifier(names.owner)}`;
    steps.push({ sql, why: 'the owner role owns the database', by: owner });
  }
  for (const to of [names.app, names.slots.a, names.slots.b]) {
    if (rightsOf(grants, to).includes('CONNECT')) continue;
    const sql = `GRANT CONNECT ON DATABASE ${name} TO ${quoteIdentifier(to)}`;
    steps.push({ sql, why: 'checked before a slot becomes the app role', by: names.owner });
  }
  const temporary = owner === role || [role, null].some((to) => rightsOf(grants, to).includes('TEMPORARY'));
  if ((grants === null || temporary) && !rightsOf(grants, names.app).includes('TEMPORARY')) {
    const sql = `GRANT TEMPORARY ON DATABASE ${name} TO ${quoteIdentifier(names.app)}`;
    steps.push({ sql, why: `"${role}" could make temporary tables`, by: names.owner });
  }
  // As the database's owner first, for then the grants are the owner role's own.
  return steps;
}

const alterKinds: Partial<Record<GraphObject['kind'], string>> = {
  SEQUENCE: 'SEQUENCE',
  TABLE: 'TABLE',
  'FOREIGN TABLE': 'FOREIGN TABLE',
  'MATERIALIZED VIEW': 'MATERIALIZED VIEW',
  VIEW: 'VIEW',
};

/** One relation, one transaction: policies that name the role first, for they need the same lock. */
export function planMoves({ graph, role, names }: Adoption): AdoptStep[][] {
  const kinds = Object.keys(alterKinds);
  const moved = graph.objects
    .filter(({ owner, kind, ofTable }) => owner === role && kind in alterKinds && !ofTable)
    .toSorted((a, b) => kinds.indexOf(a.kind) - kinds.indexOf(b.kind));
  const alone = new Set(moved.map(({ name }) => name));
  const policies = planPolicies({ graph, role, names });
  return [
    ...moved.map(({ kind, name }) => [
      ...(policies.get(name) ?? []),
      {
        sql: `ALTER ${alterKinds[kind]} ${name} OWNER TO ${quoteIdentifier(names.owner)}`,
        why: `${kind.toLowerCase()} ${name}`,
        by: role,
      },
    ]),
    ...[...policies].filter(([table]) => !alone.has(table)).map(([, steps]) => steps),
  ];
}

/** A policy for the role is one for the app role too, or its rows would be gone for the slots. */
function planPolicies({ graph, role, names }: Adoption): Map<string, AdoptStep[]> {
  const steps = new Map<string, AdoptStep[]>();
  for (const { table, name, roles } of graph.policies) {
    if (!roles.includes(role) || roles.includes(names.app)) continue;
    const all = [...roles.filter((one) => one !== null), names.app].map(quoteIdentifier).join(', ');
    const by = graph.objects.find((object) => object.kind === 'TABLE' && object.name === table)?.owner;
    steps.set(table, [
      ...(steps.get(table) ?? []),
      {
        sql: `ALTER POLICY ${name} ON ${table} TO ${all}`,
        why: `the policy ${name} of ${table} is for "${role}"`,
        ...(by !== undefined && { by }),
      },
    ]);
  }
  return steps;
}

/** Functions, types, schemas and whatever else there is. None of them is locked by reading and writing. */
export function planRest({ graph, role, names }: Adoption): AdoptStep[] {
  const owned = graph.owned.filter(
    (one) => one.role === role && (one.database === null || one.database === graph.database),
  );
  if (owned.length === 0) return [];
  const [id, owner] = [quoteIdentifier(role), quoteIdentifier(names.owner)];
  const steps: AdoptStep[] = [];
  if (owned.some(({ catalogue }) => catalogue.startsWith('pg_largeobject'))) {
    const each = `SELECT oid FROM pg_largeobject_metadata WHERE lomowner = quote_ident(${quoteLiteral(role)})::regrole`;
    const grant = `format('GRANT SELECT, UPDATE ON LARGE OBJECT %s TO %I', one, ${quoteLiteral(names.app)})`;
    const body = `DECLARE one oid; BEGIN FOR one IN ${each} LOOP EXECUTE ${grant}; END LOOP; END`;
    steps.push({
      sql: `DO ${quoteLiteral(body)}`,
      why: 'large objects are for the app role',
      by: role,
    });
  }
  const counts = owned.map(({ catalogue, objects }) => `${objects} in ${catalogue}`).join(', ');
  return [
    ...steps,
    { sql: `REASSIGN OWNED BY ${id} TO ${owner}`, why: `all that is left (${counts} at first)`, by: role },
  ];
}
