import { quoteIdentifier } from '../../database/identifier.ts';
import type { Membership, RoleGraph } from '../../database/role-graph.ts';
import { copyRoleSetting, isHidden, setRoleSetting } from '../../database/role-setting.ts';
import { slotSearchPath } from './adopt-search-path.ts';
import type { Adoption, AdoptStep } from './adopt-step.ts';

/** The roles themselves, as `ensureRoles` makes them. A slot without a password waits for its first rotation. */
export function planRoles({ graph, names }: Adoption): AdoptStep[] {
  const { owner, app, slots } = names;
  const wanted = [
    [owner, 'NOLOGIN', 'owns everything; migrations run as it'],
    [app, 'NOLOGIN', 'may read and write, nothing else'],
    [slots.a, 'LOGIN NOINHERIT', 'a login that acts as the app role'],
    [slots.b, 'LOGIN NOINHERIT', 'the login that takes turns with it'],
  ] as const;
  return wanted
    .filter(([name]) => !graph.roles.some((role) => role.name === name))
    .map(([name, options, why]) => ({ sql: `CREATE ROLE ${quoteIdentifier(name)} ${options}`, why }));
}

export const findMembership = (graph: RoleGraph, role: string, member: string): Membership | undefined =>
  graph.memberships.find((one) => one.role === role && one.member === member);

/** `WITH …` where PostgreSQL knows it (16 and later); before, the member's own INHERIT decides. */
export const withOptions = (graph: RoleGraph, options: string): string =>
  graph.server.major >= 16 ? ` WITH ${options}` : '';

/**
 * The admin acts as the owner, and for the time of the adoption the owner has the rights of the role. The latter is undone at the end,
 * also when an earlier run was interrupted before it.
 */
export function planJoins(
  { graph, role, names }: Adoption,
  busy: boolean,
): { before: AdoptStep[]; after: AdoptStep[] } {
  const [owner, id] = [quoteIdentifier(names.owner), quoteIdentifier(role)];
  const before: AdoptStep[] = [];
  const own = findMembership(graph, names.owner, graph.server.admin);
  if (!graph.server.superuser && !(own?.inherit && own.set)) {
    const sql = `GRANT ${owner} TO CURRENT_USER${withOptions(graph, 'INHERIT TRUE, SET TRUE')}`;
    before.push({ sql, why: 'the admin acts as the owner' });
  }
  const joined = findMembership(graph, role, names.owner)?.inherit ?? false;
  if (busy && !joined) {
    const sql = `GRANT ${id} TO ${owner}${withOptions(graph, 'INHERIT TRUE')}`;
    before.push({ sql, why: `what has moved still reaches what has not, until the end` });
  }
  const after =
    busy || joined ? [{ sql: `REVOKE ${id} FROM ${owner}`, why: 'the owner needs it no longer' }] : [];
  return { before, after };
}

/** The slots are in the app role and have the role's settings and limit; the role is in the app role too. */
export function planSlots(adoption: Adoption): AdoptStep[] {
  const { graph, role, names } = adoption;
  const app = quoteIdentifier(names.app);
  const slots = [names.slots.a, names.slots.b];
  return [
    ...slots
      .filter((slot) => findMembership(graph, names.app, slot)?.set !== true)
      .map((slot) => ({
        sql: `GRANT ${app} TO ${quoteIdentifier(slot)}`,
        why: 'a slot acts as the app role',
      })),
    ...slots.flatMap((slot) => planSlotSettings(adoption, slot)),
    ...planStay(graph, role, names.app),
  ];
}

/** With INHERIT, for its sessions have no `SET ROLE` to come. */
function planStay(graph: RoleGraph, role: string, app: string): AdoptStep[] {
  const steps: AdoptStep[] = [];
  const login = graph.roles.find(({ name }) => name === role);
  // Before PostgreSQL 16 only the role itself says whether it inherits.
  if (graph.server.major < 16 && login?.inherit === false) {
    steps.push({
      sql: `ALTER ROLE ${quoteIdentifier(role)} INHERIT`,
      why: 'it lives on what the app role may',
    });
  }
  if (findMembership(graph, app, role)?.inherit !== true || steps.length > 0) {
    const sql = `GRANT ${quoteIdentifier(app)} TO ${quoteIdentifier(role)}${withOptions(graph, 'INHERIT TRUE')}`;
    steps.push({ sql, why: `sessions of "${role}" go on reading and writing` });
  }
  return steps;
}

function planSlotSettings({ graph, role, names }: Adoption, slot: string): AdoptStep[] {
  const has = graph.settings.filter((setting) => setting.role === slot);
  const same = (database: string | null, name: string): string | undefined =>
    has.find((setting) => setting.database === database && setting.name === name)?.value;
  const steps: AdoptStep[] = [];
  if (same(null, 'role') !== names.app) {
    const sql = setRoleSetting(slot, { database: null, name: 'role', value: names.app });
    steps.push({ sql, why: 'a slot begins its sessions as the app role' });
  }
  const why = `"${role}" has this setting`;
  const path = slotSearchPath(graph, role);
  for (const setting of graph.settings) {
    const here = setting.database === null || setting.database === graph.database;
    if (setting.role !== role || !here || setting.name === 'role') continue;
    if (setting.name === 'search_path' && path !== undefined) continue;
    if (same(setting.database, setting.name) === setting.value) continue;
    const sql = isHidden(setting) ? copyRoleSetting(role, slot, setting) : setRoleSetting(slot, setting);
    steps.push({ sql, why });
  }
  if (path !== undefined && same(graph.database, 'search_path') !== path) {
    const sql = setRoleSetting(slot, { database: graph.database, name: 'search_path', value: path });
    steps.push({ sql, why: `"$user" is the app role in a slot, and the schema is named "${role}"` });
  }
  const limitOf = (name: string): number =>
    graph.roles.find((one) => one.name === name)?.connectionLimit ?? -1;
  if (limitOf(role) !== limitOf(slot)) {
    const sql = `ALTER ROLE ${quoteIdentifier(slot)} CONNECTION LIMIT ${limitOf(role)}`;
    steps.push({ sql, why: `"${role}" has this limit` });
  }
  return steps;
}
