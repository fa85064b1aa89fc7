import { quoteIdentifier } from '../../database/identifier.ts';
import type { GraphRole, Membership, RoleGraph } from '../../database/role-graph.ts';
import type { ParityFinding, ParityLogins } from './parity-finding.ts';
import { compareDefaults, compareGrants } from './parity-grants.ts';
import { compareSettings } from './parity-settings.ts';

export type Comparison = (graph: RoleGraph, logins: ParityLogins) => readonly ParityFinding[];

/** In the order in which a person would mend them. */
export const comparisons: readonly Comparison[] = [
  findMissing,
  compareAttributes,
  compareLimits,
  findExpiry,
  compareMemberships,
  compareSettings,
  findNoConnect,
  compareGrants,
  compareDefaults,
  findOwned,
  compareMappings,
  comparePolicies,
  findIdentityUses,
];

const findRole = (graph: RoleGraph, name: string): GraphRole | undefined =>
  graph.roles.find((role) => role.name === name);

/** True when the login in use is no slot: much of what it has is left over from before it was adopted. */
const isAdopted = ({ current, slots }: ParityLogins): boolean => current !== slots.a && current !== slots.b;

function findMissing(graph: RoleGraph, { current, standby, app }: ParityLogins): ParityFinding[] {
  return [current, standby, app]
    .filter((name) => findRole(graph, name) === undefined)
    .map((name) => ({
      fault: 'role-missing',
      severity: 'refuse',
      message: `there is no role "${name}"`,
      mend: name === standby ? [`CREATE ROLE ${quoteIdentifier(name)} LOGIN NOINHERIT`] : [],
    }));
}

const attributes = [
  ['superuser', 'SUPERUSER'],
  ['createRole', 'CREATEROLE'],
  ['createDatabase', 'CREATEDB'],
  ['replication', 'REPLICATION'],
  ['bypassRowSecurity', 'BYPASSRLS'],
] as const;

function compareAttributes(graph: RoleGraph, logins: ParityLogins): ParityFinding[] {
  const [from, to] = [findRole(graph, logins.current), findRole(graph, logins.standby)];
  if (from === undefined || to === undefined) return [];
  // A slot inherits nothing: it acts as the app role.
  const inherits = !isAdopted(logins) && from.inherit !== to.inherit;
  const words = attributes
    .filter(([key]) => from[key] !== to[key])
    .map(([key, word]) => (from[key] ? word : `NO${word}`));
  if (inherits) words.push(from.inherit ? 'INHERIT' : 'NOINHERIT');
  return words.map((word) => ({
    fault: 'attribute-differs',
    severity: 'refuse',
    message: `"${from.name}" is ${word} and "${to.name}" is not`,
    mend: [`ALTER ROLE ${quoteIdentifier(to.name)} ${word}`],
  }));
}

const unlimited = -1;

function compareLimits(graph: RoleGraph, { current, standby, connections }: ParityLogins): ParityFinding[] {
  const [from, to] = [findRole(graph, current), findRole(graph, standby)];
  if (from === undefined || to === undefined) return [];
  const [had, has] = [from.connectionLimit, to.connectionLimit];
  const mend = [`ALTER ROLE ${quoteIdentifier(standby)} CONNECTION LIMIT ${had}`];
  if (has !== unlimited && connections !== undefined && has < connections) {
    const enough = had === unlimited || had >= connections ? had : connections;
    return [
      {
        fault: 'limit-too-low',
        severity: 'refuse',
        message: `"${standby}" may have ${has} connections, and ${connections} are needed`,
        mend: [`ALTER ROLE ${quoteIdentifier(standby)} CONNECTION LIMIT ${enough}`],
      },
    ];
  }
  if (has === had) return [];
  const lower = has !== unlimited && (had === unlimited || has < had);
  const text = (limit: number): string => (limit === unlimited ? 'any number of' : String(limit));
  return [
    {
      fault: 'limit-differs',
      severity: lower ? 'refuse' : 'warn',
      message: `"${current}" may have ${text(had)} connections and "${standby}" ${text(has)}`,
      mend,
    },
  ];
}

/** A password that ends by itself fails at an hour that nobody chose. The standby's is put right when it gets its password. */
function findExpiry(graph: RoleGraph, { current }: ParityLogins): ParityFinding[] {
  const role = findRole(graph, current);
  if (role === undefined || role.validUntil === null) return [];
  return [
    {
      fault: 'password-expires',
      severity: 'warn',
      message: `the password of "${current}" is valid until ${role.validUntil}`,
      mend: [`ALTER ROLE ${quoteIdentifier(current)} VALID UNTIL 'infinity'`],
    },
  ];
}

/** Of a group that takes part in how a role logs in, not in what it may do. */
const loginGroups = new Set(['rds_iam', 'rds_ad']);

function compareMemberships(graph: RoleGraph, logins: ParityLogins): ParityFinding[] {
  const { current, standby, app } = logins;
  const of = (member: string): Membership[] => graph.memberships.filter((one) => one.member === member);
  const findings: ParityFinding[] = [];
  const [id, appId] = [quoteIdentifier(standby), quoteIdentifier(app)];
  const inApp = of(standby).find(({ role }) => role === app);
  if (!inApp?.set) {
    const option = graph.server.major >= 16 ? ' WITH SET TRUE' : '';
    findings.push({
      fault: 'not-in-app',
      severity: 'refuse',
      message: `"${standby}" cannot act as "${app}"`,
      mend: [`GRANT ${appId} TO ${id}${option}`],
    });
  }
  const others = (member: string): Membership[] => of(member).filter(({ role }) => role !== app);
  // What an adopted role is in, the app role is in, so that its slots have it.
  const known = isAdopted(logins) ? [...others(standby), ...of(app)] : others(standby);
  for (const had of others(current)) {
    if (isAdopted(logins) && loginGroups.has(had.role)) continue;
    const has = known.find(({ role }) => role === had.role);
    const same =
      has !== undefined && (isAdopted(logins) || (has.inherit === had.inherit && has.set === had.set));
    if (same) continue;
    const options = graph.server.major >= 16 ? ` WITH INHERIT ${had.inherit}, SET ${had.set}` : '';
    findings.push({
      fault: 'membership-differs',
      severity: 'refuse',
      message: `"${current}" is in "${had.role}" and "${standby}" is not, or with other options`,
      mend: [`GRANT ${quoteIdentifier(had.role)} TO ${id}${options}`],
    });
  }
  for (const has of others(standby)) {
    if (others(current).some(({ role }) => role === has.role)) continue;
    findings.push({
      fault: 'membership-differs',
      severity: loginGroups.has(has.role) ? 'refuse' : 'warn',
      message: `"${standby}" is in "${has.role}" and "${current}" is not`,
      mend: [`REVOKE ${quoteIdentifier(has.role)} FROM ${id}`],
    });
  }
  return findings;
}

/** CONNECT is checked before a slot becomes the app role, and it inherits nothing. */
function findNoConnect(graph: RoleGraph, { standby }: ParityLogins): ParityFinding[] {
  const database = graph.objects.find(({ kind }) => kind === 'DATABASE');
  const grants = database?.grants;
  if (database === undefined || grants === null || grants === undefined) return [];
  const heirs = graph.memberships.filter(({ member, inherit }) => member === standby && inherit);
  const names = [null, standby, ...heirs.map(({ role }) => role)];
  if (grants.some(({ to, rights }) => names.includes(to) && rights.some((right) => /^CONNECT\b/.test(right))))
    return [];
  return [
    {
      fault: 'no-connect',
      severity: 'refuse',
      message: `"${standby}" may not connect to the database ${database.name}`,
      mend: [`GRANT CONNECT ON DATABASE ${database.name} TO ${quoteIdentifier(standby)}`],
    },
  ];
}

/** What a login owns only it may change or drop, and its owner's rights end with its name. */
function findOwned(graph: RoleGraph, logins: ParityLogins): ParityFinding[] {
  const { current, standby, owner } = logins;
  return [current, standby].flatMap((login): ParityFinding[] => {
    const owned = graph.owned.filter(
      ({ role, database }) => role === login && (database === null || database === graph.database),
    );
    if (owned.length === 0) return [];
    const counts = owned.map(({ catalogue, objects }) => `${objects} in ${catalogue}`).join(', ');
    const adopt = login === current && isAdopted(logins);
    return [
      {
        fault: 'owns-objects',
        severity: 'refuse',
        message: `"${login}" owns objects (${counts})${adopt ? `: adopt it again, rotate-creds --adopt ${login}` : ''}`,
        mend: adopt ? [] : [`REASSIGN OWNED BY ${quoteIdentifier(login)} TO ${quoteIdentifier(owner)}`],
      },
    ];
  });
}

/** A slot that acts as the app role uses that role's mapping. One on a slot's own name is used by one of the two at most. */
function compareMappings(graph: RoleGraph, logins: ParityLogins): ParityFinding[] {
  const { current, standby, app } = logins;
  const servers = (user: string | null): string[] =>
    graph.userMappings.filter((mapping) => mapping.user === user).map(({ server }) => server);
  const has = new Set([
    ...servers(standby),
    ...(isAdopted(logins) ? [...servers(app), ...servers(null)] : []),
  ]);
  const missing = servers(current).filter((server) => !has.has(server));
  const heir = isAdopted(logins) ? app : standby;
  const more = isAdopted(logins)
    ? []
    : servers(standby).filter((server) => !servers(current).includes(server));
  return [
    ...missing.map(
      (server): ParityFinding => ({
        fault: 'user-mapping-differs',
        severity: 'refuse',
        message: `"${current}" has a user mapping for the server ${server} and "${heir}" has none`,
        mend: [`CREATE USER MAPPING FOR ${quoteIdentifier(heir)} SERVER ${server} OPTIONS (…)`],
      }),
    ),
    ...more.map(
      (server): ParityFinding => ({
        fault: 'user-mapping-differs',
        severity: 'warn',
        message: `"${standby}" has a user mapping for the server ${server} and "${current}" has none`,
        mend: [`DROP USER MAPPING FOR ${quoteIdentifier(standby)} SERVER ${server}`],
      }),
    ),
  ];
}

function comparePolicies(graph: RoleGraph, { current, standby, app }: ParityLogins): ParityFinding[] {
  return graph.policies.flatMap(({ table, name, roles, expression }): ParityFinding[] => {
    const policy = `the policy ${name} of ${table}`;
    const names = (login: string): boolean => expression.includes(`'${login.replaceAll("'", "''")}'`);
    const [from, to] = [roles.includes(current), roles.includes(standby)];
    if (from !== to && !(from && roles.includes(app))) {
      const all = [...roles.filter((role) => role !== null), standby].map(quoteIdentifier).join(', ');
      const [one, other] = from ? [current, standby] : [standby, current];
      const mend = from ? [`ALTER POLICY ${name} ON ${table} TO ${all}`] : [];
      const message = `${policy} is for "${one}" and not for "${other}"`;
      return [{ fault: 'policy-names-login', severity: 'refuse', message, mend }];
    }
    if (names(current) !== names(standby)) {
      const message = `${policy} tests one login's name: ${expression}`;
      return [{ fault: 'policy-names-login', severity: 'refuse', message, mend: [] }];
    }
    if (!/\bsession_user\b/i.test(expression)) return [];
    const message = `${policy} asks for session_user, which changes with the slot: ${expression}`;
    return [{ fault: 'policy-asks-login', severity: names(current) ? 'warn' : 'refuse', message, mend: [] }];
  });
}

function findIdentityUses(graph: RoleGraph): ParityFinding[] {
  return graph.identityUses
    .filter(({ text }) => /\bsession_user\b/i.test(text))
    .map(({ kind, name, text }) => ({
      fault: 'asks-login',
      severity: 'warn',
      message: `the ${kind} ${name} asks for session_user, which changes with the slot: ${text}`,
      mend: [],
    }));
}
