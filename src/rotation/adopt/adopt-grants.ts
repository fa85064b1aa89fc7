import { quoteIdentifier } from '../../database/identifier.ts';
import type { Grant, GraphObject } from '../../database/role-graph.ts';
import { grantPlace, grantTargets, rightsOf } from '../parity/parity-grants.ts';
import { findMembership, withOptions } from './adopt-roles.ts';
import type { Adoption, AdoptStep } from './adopt-step.ts';

/** What the app role gets of what the role owned: to read and write, as `ensureRoles` has it for what is made later. */
const everyday: Partial<Record<GraphObject['kind'], readonly string[]>> = {
  TABLE: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  VIEW: ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  'MATERIALIZED VIEW': ['SELECT'],
  'FOREIGN TABLE': ['SELECT', 'INSERT', 'UPDATE', 'DELETE'],
  SEQUENCE: ['USAGE', 'SELECT'],
  ROUTINE: ['EXECUTE'],
  TYPE: ['USAGE'],
  SCHEMA: ['USAGE'],
  LANGUAGE: ['USAGE'],
  'FOREIGN DATA WRAPPER': ['USAGE'],
  'FOREIGN SERVER': ['USAGE'],
};

/** Granted to PUBLIC where nothing else was ever said. */
const usual: Partial<Record<GraphObject['kind'], readonly string[]>> = {
  ROUTINE: ['EXECUTE'],
  TYPE: ['USAGE'],
  LANGUAGE: ['USAGE'],
  DATABASE: ['CONNECT', 'TEMPORARY'],
};

/** So many names in one statement, to keep it readable. */
const mostNames = 50;

const publicRights = ({ kind, grants }: GraphObject): readonly string[] =>
  grants === null ? (usual[kind] ?? []) : rightsOf(grants, null);

/** What the owner may still do with its own: it can have revoked rights from itself. */
function ownRights({ grants, owner, kind }: GraphObject): string[] {
  const rights = everyday[kind] ?? [];
  return rights.filter((right) => grants === null || rightsOf(grants, owner).includes(right));
}

/** Both work in the schemas that the role works in; the owner is to make things there. */
export function planSchemas({ graph, role, names }: Adoption): AdoptStep[] {
  const used = new Set(graph.objects.filter((object) => concerns(object, role)).map(({ schema }) => schema));
  const schemas = graph.objects.filter(({ kind, name }) => kind === 'SCHEMA' && used.has(name));
  return schemas.flatMap((schema): AdoptStep[] => {
    const { name, owner, grants } = schema;
    const lacks = (to: string, right: string): boolean => !rightsOf(grants, to).includes(right);
    const steps: AdoptStep[] = [];
    if (lacks(names.app, 'USAGE')) {
      const sql = `GRANT USAGE ON SCHEMA ${name} TO ${quoteIdentifier(names.app)}`;
      steps.push({ sql, why: 'the app role works there', by: owner });
    }
    const owns = owner === names.owner || owner === 'pg_database_owner';
    if (!owns && (lacks(names.owner, 'CREATE') || lacks(names.owner, 'USAGE'))) {
      const sql = `GRANT USAGE, CREATE ON SCHEMA ${name} TO ${quoteIdentifier(names.owner)}`;
      steps.push({ sql, why: 'the owner makes things there', by: owner });
    }
    return steps;
  });
}

const concerns = ({ owner, grants, columns }: GraphObject, role: string): boolean =>
  owner === role ||
  [...(grants ?? []), ...(columns ?? []).flatMap((one) => one.grants)].some(({ to }) => to === role);

/** What the role may do, the app role may: with its own things every day's work, with those of others what it was granted. */
export function planGrants({ graph, role, names }: Adoption): AdoptStep[] {
  const wanted: Wanted[] = [];
  for (const object of graph.objects) {
    if (object.kind === 'DATABASE') continue;
    if (object.owner === role) {
      const known = [...publicRights(object), ...rightsOf(object.grants, names.app)];
      const rights = ownRights(object).filter((right) => !known.includes(right));
      wanted.push({ object, rights, to: names.app, why: `"${role}" owns it` });
      continue;
    }
    for (const { grants, on } of grantTargets(object)) {
      for (const to of object.owner === names.owner ? [names.app] : [names.app, names.owner]) {
        const rights = rightsOf(grants, role)
          .filter((right) => !rightsOf(grants, to).includes(right))
          .map(on.right);
        wanted.push({ object, rights, to, why: `"${role}" was granted it` });
      }
    }
  }
  return grouped(wanted);
}

interface Wanted {
  readonly object: GraphObject;
  readonly rights: readonly string[];
  readonly to: string;
  readonly why: string;
}

/** One statement for all objects of one schema, kind and owner that get the same. */
function grouped(wanted: readonly Wanted[]): AdoptStep[] {
  const groups = new Map<string, Wanted[]>();
  for (const one of wanted.filter(({ rights }) => rights.length > 0)) {
    const { object, rights, to, why } = one;
    const key = JSON.stringify([object.schema, grantKind(object), object.owner, rights, to, why]);
    groups.set(key, [...(groups.get(key) ?? []), one]);
  }
  return [...groups.values()].flatMap((group) =>
    chunks(group, mostNames).map((part) => {
      const [first] = part as [Wanted];
      const names = part.map(({ object }) => object.name).join(', ');
      const sql = `GRANT ${first.rights.join(', ')} ON ${grantKind(first.object)} ${names} TO ${quoteIdentifier(first.to)}`;
      return { sql, why: first.why, by: first.object.owner };
    }),
  );
}

const grantKind = (object: GraphObject): string => grantPlace({ ...object, name: '' }).trim();

function chunks<T>(all: readonly T[], size: number): T[][] {
  const count = Math.ceil(all.length / size);
  return Array.from({ length: count }, (_, at) => all.slice(at * size, (at + 1) * size));
}

/** Of a group that says how a role logs in, or that makes it an admin: not for the app role. */
const notPassedOn = new Set(['rds_iam', 'rds_ad', 'rds_password']);

export const passedOn = ({ graph, role, names }: Adoption): string[] =>
  graph.memberships
    .filter((one) => one.member === role && one.role !== names.app && !notPassedOn.has(one.role))
    .map((one) => one.role);

export function planMemberships(adoption: Adoption): AdoptStep[] {
  const { graph, role, names } = adoption;
  return passedOn(adoption).flatMap((group) =>
    [names.app, names.owner]
      .filter((member) => group !== member && findMembership(graph, group, member)?.inherit !== true)
      .map((member) => ({
        sql: `GRANT ${quoteIdentifier(group)} TO ${quoteIdentifier(member)}${withOptions(graph, 'INHERIT TRUE')}`,
        why: `"${role}" is in "${group}"`,
        by: group,
      })),
  );
}

/** As `ensureRoles` has it. */
const ownerDefaults = [
  ['TABLES', ['SELECT', 'INSERT', 'UPDATE', 'DELETE']],
  ['SEQUENCES', ['USAGE', 'SELECT']],
  ['ROUTINES', ['EXECUTE']],
  ['SCHEMAS', ['USAGE']],
] as const;

/** What the owner makes later comes with the rights that what the role made came with, and with those of the app role. */
export function planDefaults({ graph, role, names }: Adoption): AdoptStep[] {
  const find = (owner: string, schema: string | null, on: string): readonly Grant[] =>
    graph.defaultPrivileges.find((one) => one.owner === owner && one.schema === schema && one.on === on)
      ?.grants ?? [];
  const give = (
    owner: string,
    schema: string | null,
    on: string,
    rights: readonly string[],
    to: string | null,
    why: string,
  ): AdoptStep[] => {
    const missing = rights.filter((right) => !rightsOf(find(owner, schema, on), to).includes(right));
    if (missing.length === 0) return [];
    const where = schema === null ? '' : ` IN SCHEMA ${schema}`;
    const whom = to === null ? 'PUBLIC' : quoteIdentifier(to);
    const sql = `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(owner)}${where} GRANT ${missing.join(', ')} ON ${on} TO ${whom}`;
    return [{ sql, why, by: owner }];
  };
  const house = ownerDefaults.flatMap(([on, rights]) =>
    give(names.owner, null, on, rights, names.app, 'what migrations make is for the app role'),
  );
  const own = graph.defaultPrivileges.flatMap(({ owner, schema, on, grants }) =>
    grants.flatMap(({ to, rights }) => {
      const plain = rights.map((right) => right.replace('*', ''));
      // A right of PUBLIC that PostgreSQL gives by itself is on record only where another one is.
      const usualPublic = to === null && schema === null && (on === 'ROUTINES' || on === 'TYPES');
      if (owner === role && to !== role && to !== names.app && !usualPublic) {
        return give(names.owner, schema, on, plain, to, `what "${role}" made came with it`);
      }
      if (owner !== role && owner !== names.owner && to === role) {
        return give(owner, schema, on, plain, names.app, `what "${owner}" makes is for "${role}"`);
      }
      return [];
    }),
  );
  return [...house, ...own, ...planRevokedDefaults(graph, role, names.owner)];
}

/** `ALTER DEFAULT PRIVILEGES … REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC` of the role holds for the owner too. */
function planRevokedDefaults(graph: Adoption['graph'], role: string, owner: string): AdoptStep[] {
  return (['ROUTINES', 'TYPES'] as const).flatMap((on) => {
    const of = (name: string) =>
      graph.defaultPrivileges.find((one) => one.owner === name && one.schema === null && one.on === on)
        ?.grants;
    const [had, has] = [of(role), of(owner)];
    if (had === undefined || rightsOf(had, null).length > 0) return [];
    if (has !== undefined && rightsOf(has, null).length === 0) return [];
    const sql = `ALTER DEFAULT PRIVILEGES FOR ROLE ${quoteIdentifier(owner)} REVOKE ALL ON ${on} FROM PUBLIC`;
    return [{ sql, why: `what "${role}" made was not for everybody`, by: owner }];
  });
}
