import { quoteIdentifier } from '../../database/identifier.ts';
import type { GraphRole, RoleGraph } from '../../database/role-graph.ts';
import { rightsOf } from '../parity/parity-grants.ts';
import { passedOn } from './adopt-grants.ts';
import { findMembership } from './adopt-roles.ts';
import { slotSearchPath } from './adopt-search-path.ts';
import type { Adoption, AdoptRefusal, AdoptStep } from './adopt-step.ts';

/** Why this is not begun; empty when it may be. */
export function findAdoptRefusals(adoption: Adoption, steps: readonly AdoptStep[]): AdoptRefusal[] {
  const { graph, role } = adoption;
  const found = graph.roles.find(({ name }) => name === role);
  if (found === undefined) {
    const logins = graph.roles.filter(({ login }) => login).map(({ name }) => `"${name}"`);
    return [refusal('NO_SUCH_ROLE', `there is no role "${role}"`, [`the logins are ${logins.join(', ')}`])];
  }
  const kind = refuseKind(adoption, found);
  if (kind.length > 0) return kind;
  return [
    ...refuseOtherDatabases(adoption),
    ...refuseRowSecurity(adoption),
    ...refuseMissingRights(adoption, steps),
  ];
}

const refusal = (code: string, message: string, suggestions: readonly string[]): AdoptRefusal => ({
  ...{ code, message, suggestions },
});

function refuseKind({ graph, role, names }: Adoption, found: GraphRole): AdoptRefusal[] {
  const id = quoteIdentifier(role);
  if ([names.owner, names.app, names.slots.a, names.slots.b].includes(role)) {
    return [
      refusal('ADOPT_OWN_ROLE', `"${role}" is one of the project's own roles`, [
        'rotate it: lambdapg rotate-creds',
      ]),
    ];
  }
  const admin = found.superuser || found.createRole || role === graph.server.admin;
  const groups = graph.memberships.filter((one) => one.member === role && one.role === 'rds_superuser');
  if (admin || groups.length > 0) {
    return [
      refusal('ADOPT_ADMIN', `"${role}" is an admin: it cannot become a login that is retired`, [
        'give the application a role of its own first, and adopt that',
        `RDS's own master password: lambdapg rotate-creds --strategy managed`,
      ]),
    ];
  }
  if (!found.login) {
    return [refusal('ADOPT_NO_LOGIN', `"${role}" cannot log in: no consumer uses it`, [])];
  }
  const acts = graph.settings.find((one) => one.role === role && one.name === 'role');
  if (acts === undefined) return [];
  return [
    refusal('ADOPT_ACTS_AS', `"${role}" begins its sessions as "${acts.value}", which owns what it makes`, [
      `ALTER ROLE ${id} RESET role; GRANT ${quoteIdentifier(acts.value)} TO ${id}`,
    ]),
  ];
}

/** `REASSIGN OWNED` gives databases away, and a role that serves another database cannot be retired for this one. */
function refuseOtherDatabases({ graph, role }: Adoption): AdoptRefusal[] {
  const databases = graph.owned.find((one) => one.role === role && one.catalogue === 'pg_database');
  const ownsThis = graph.objects.some(({ kind, owner }) => kind === 'DATABASE' && owner === role);
  const others = (databases?.objects ?? 0) - (ownsThis ? 1 : 0);
  if (others <= 0) return [];
  return [
    refusal(
      'ADOPT_OWNS_DATABASES',
      `"${role}" owns ${others} other database${others === 1 ? '' : 's'} of this server`,
      [
        `find them: SELECT datname FROM pg_database WHERE pg_get_userbyid(datdba) = '${role}'`,
        'give them to another role first: ALTER DATABASE … OWNER TO …',
      ],
    ),
  ];
}

function refuseRowSecurity({ graph, role }: Adoption): AdoptRefusal[] {
  const tables = graph.objects.filter(({ owner, rowSecurity }) => owner === role && rowSecurity === 'on');
  if (tables.length === 0) return [];
  const [first] = tables.map(({ name }) => name);
  return [
    refusal(
      'ADOPT_ROW_SECURITY',
      `"${role}" sees every row of ${tables.map(({ name }) => name).join(', ')} because it owns them; the app role would see what the policies show`,
      [
        `let the policies hold for the owner too, and see that the application still works: ALTER TABLE ${first} FORCE ROW LEVEL SECURITY`,
        `or turn them off: ALTER TABLE ${first} DISABLE ROW LEVEL SECURITY`,
      ],
    ),
  ];
}

/** What the admin may not do, with what somebody else has to run. */
function refuseMissingRights(adoption: Adoption, steps: readonly AdoptStep[]): AdoptRefusal[] {
  const { graph, role, names } = adoption;
  if (graph.server.superuser || steps.length === 0) return [];
  const { admin, major } = graph.server;
  const me = graph.roles.find(({ name }) => name === admin);
  const made = [names.owner, names.app, names.slots.a, names.slots.b].filter((name) =>
    graph.roles.some((one) => one.name === name),
  );
  const refusals: AdoptRefusal[] = [];
  const notMine = [role, ...made].filter((name) => findMembership(graph, name, admin)?.admin !== true);
  if (me?.createRole !== true) {
    const sql = `ALTER ROLE ${quoteIdentifier(admin)} CREATEROLE`;
    refusals.push(refusal('NO_CREATEROLE', `"${admin}" may not make roles`, [`as a superuser: ${sql};`]));
  } else if (major >= 16 && notMine.length > 0) {
    refusals.push(
      refusal(
        'NO_ADMIN_OPTION',
        `"${admin}" may not change ${notMine.map((name) => `"${name}"`).join(', ')}: since PostgreSQL 16 that takes ADMIN OPTION`,
        notMine.map(
          (name) =>
            `as who made it, or a superuser: GRANT ${quoteIdentifier(name)} TO ${quoteIdentifier(admin)} WITH ADMIN OPTION;`,
        ),
      ),
    );
  }
  const moves = steps.some(({ sql }) => sql.startsWith('ALTER DATABASE'));
  if (moves && me?.createDatabase !== true) {
    const sql = `ALTER ROLE ${quoteIdentifier(admin)} CREATEDB`;
    refusals.push(
      refusal('NO_CREATEDB', `"${admin}" may not give the database away`, [`as a superuser: ${sql};`]),
    );
  }
  const beyond = steps.filter((step) => !mayDo(adoption, step));
  if (beyond.length > 0) {
    const whose = [...new Set(beyond.map(({ by }) => by))].map((name) => `"${name}"`).join(', ');
    refusals.push(
      refusal(
        'NO_RIGHT_TO_GRANT',
        `"${admin}" may not pass on what belongs to ${whose}`,
        beyond.map(({ by, sql }) => `as "${by}": ${sql};`),
      ),
    );
  }
  return refusals;
}

function mayDo({ graph, role, names }: Adoption, { sql, by }: AdoptStep): boolean {
  if (by === undefined || [names.owner, role, graph.server.admin].includes(by)) return true;
  // The database's owner is it; by then that is ours.
  if (by === 'pg_database_owner') return true;
  const isMembership = /^GRANT "(?:[^"]|"")*" TO /.test(sql);
  if (isMembership) {
    const { admin, major } = graph.server;
    return major < 16 || findMembership(graph, by, admin)?.admin === true;
  }
  return heirs(graph, graph.server.admin).has(by);
}

/** Whose rights a role has without doing anything. */
function heirs(graph: RoleGraph, member: string, seen = new Set<string>()): Set<string> {
  for (const one of graph.memberships) {
    if (one.member !== member || !one.inherit || seen.has(one.role)) continue;
    seen.add(one.role);
    heirs(graph, one.role, seen);
  }
  return seen;
}

/** What a person should know before saying yes. */
export function findAdoptWarnings(adoption: Adoption, locks: number): string[] {
  const { graph, role, names } = adoption;
  const all: (string | false | undefined)[] = [
    ownsSomething(adoption) &&
      `consumers that run DDL, TRUNCATE, REFRESH or setval() as "${role}" can do so no longer: migrations run as "${names.owner}"`,
    locks > 0 &&
      `${locks} relation${locks === 1 ? ' is' : 's are'} locked for a moment, one after the other; a statement that holds one is waited for, not ended`,
    ...warnOfIdentity(adoption),
    ...warnOfElsewhere(adoption),
    ...warnOfMappings(adoption),
    slotSearchPath(graph, role) !== undefined &&
      `"$user" finds the schema "${role}" for "${role}" alone: the slots get it into their search_path by name`,
    ...warnOfMembers(adoption),
    warnOfPublic(adoption),
    passedOn(adoption).length > 0 &&
      `"${role}" is in ${passedOn(adoption)
        .map((one) => `"${one}"`)
        .join(', ')}: the app role and the owner come into it too`,
  ];
  return all.filter((one) => typeof one === 'string');
}

const ownsSomething = ({ graph, role }: Adoption): boolean => graph.owned.some((one) => one.role === role);

function warnOfIdentity({ graph, role, names }: Adoption): string[] {
  const asks = /\b(session_user|current_user|current_role)\b/i;
  const policies = graph.policies
    .filter(({ expression }) => asks.test(expression) || expression.includes(`'${role}'`))
    .map(({ table, name, expression }) => `the policy ${name} of ${table}: ${expression}`);
  const uses = graph.identityUses.map(({ kind, name, text }) => `the ${kind} ${name}: ${text}`);
  return [...policies, ...uses].map(
    (use) =>
      `asks who the user is, which will be "${names.app}" (session_user: a slot) instead of "${role}": ${use}`,
  );
}

function warnOfElsewhere({ graph, role }: Adoption): string[] {
  const elsewhere = graph.owned.filter(
    (one) => one.role === role && one.database !== null && one.database !== graph.database,
  );
  const databases = new Set(elsewhere.map(({ database }) => database));
  return [...databases].map((database) => {
    const objects = elsewhere
      .filter((one) => one.database === database)
      .reduce((sum, one) => sum + one.objects, 0);
    return `"${role}" owns ${objects} object${objects === 1 ? '' : 's'} in the database "${database}" too: who logs in there as "${role}" cannot any more once it is retired (--retire keep)`;
  });
}

function warnOfMappings({ graph, role, names }: Adoption): string[] {
  const servers = (user: string | null): string[] =>
    graph.userMappings.filter((one) => one.user === user).map(({ server }) => server);
  const known = [...servers(names.app), ...servers(null)];
  return servers(role)
    .filter((server) => !known.includes(server))
    .map(
      (server) =>
        `the user mapping of "${role}" for the server ${server} holds a password that cannot be read; before rotating: CREATE USER MAPPING FOR ${quoteIdentifier(names.app)} SERVER ${server} OPTIONS (…)`,
    );
}

function warnOfMembers({ graph, role, names }: Adoption): string[] {
  const members = graph.memberships
    .filter((one) => one.role === role && ![names.owner, graph.server.admin].includes(one.member))
    .map(({ member }) => `"${member}"`);
  return members.length === 0
    ? []
    : [`${members.join(', ')} had the rights of "${role}" and now have those of the app role`];
}

/** `ensureRoles`, which provisioning runs, closes the database to PUBLIC. */
function warnOfPublic({ graph, role, names }: Adoption): string | undefined {
  const grants = graph.objects.find(({ kind }) => kind === 'DATABASE')?.grants ?? null;
  if (grants !== null && !rightsOf(grants, null).includes('CONNECT')) return undefined;
  const known = [role, names.slots.a, names.slots.b, graph.server.admin];
  const others = graph.roles
    .filter(({ login, superuser, name }) => login && !superuser && !known.includes(name))
    .filter(({ name }) => !rightsOf(grants, name).includes('CONNECT') && !name.startsWith('rds'))
    .map(({ name }) => `"${name}"`);
  if (others.length === 0) return undefined;
  return `${others.join(', ')} may connect only because everybody may, which lambdapg provision ends: GRANT CONNECT ON DATABASE ${quoteIdentifier(graph.database)} TO … for those that need it`;
}
