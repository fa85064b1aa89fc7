import { quoteIdentifier } from '../../src/database/identifier.ts';
import type { OpenDatabase } from '../../src/database/open-database.ts';
import { roleNames } from '../../src/database/roles.ts';
import { directRoute } from '../../src/database/route.ts';
import { scramVerifier } from '../../src/database/scram.ts';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { type Client, withClient } from '../../src/database/with-client.ts';
import { UserError } from '../../src/errors.ts';
import { parseProjectName } from '../../src/project/names.ts';
import {
  type Endpoint,
  type OpenRotationDatabase,
  openRotationDatabase,
  type RotationDatabaseOptions,
} from '../../src/rotation/database.ts';
import type { StoredLogin } from '../../src/rotation/parts.ts';
import { Secret } from '../../src/secret.ts';
import {
  startTestPostgres,
  type TestContext,
  type TestPostgresOptions,
  testContext,
} from '../postgres-server.ts';

export type TestServer = Awaited<ReturnType<typeof startTestPostgres>>;

export const startServer = (options: TestPostgresOptions = {}): Promise<TestServer> =>
  startTestPostgres(options);

const options = { applicationName: 'rotation test' };

/** An open database over connections of its own, or, with `isDirect` false, one that no session reaches. */
export function openTarget(
  admin: ConnectionTarget,
  app: ConnectionTarget,
  {
    isDirect = true,
    context = testContext(),
    ownerRole = roleNames(parseProjectName('library')).owner,
  }: Pick<RotationOptions, 'isDirect' | 'context' | 'ownerRole'> = {},
): OpenDatabase {
  const route = directRoute(context, async (target) => target);
  return {
    admin,
    app,
    ...(ownerRole !== '' && { ownerRole }),
    run: (job, target, input) => route.run(job, target, input),
    dial: async (target) => {
      if (isDirect) return target;
      throw new UserError('NO_DIRECT_ROUTE', 'the database is not reached from here');
    },
  };
}

export interface RotationOptions extends Partial<RotationDatabaseOptions> {
  readonly admin?: ConnectionTarget;
  readonly isDirect?: boolean;
  readonly context?: TestContext;
  /** Of the schema that lambdapg makes for itself; empty: the admin's own. */
  readonly ownerRole?: string;
}

/** The rotation's view of a test server with the house's roles. */
export function openRotation(server: TestServer, overrides: RotationOptions = {}): OpenRotationDatabase {
  const {
    admin = server.local.admin,
    isDirect = true,
    context = testContext(),
    ownerRole,
    ...rest
  } = overrides;
  const way = { isDirect, context, ...(ownerRole !== undefined && { ownerRole }) };
  return openRotationDatabase(context, openTarget(admin, server.local.slots.a, way), {
    id: 'library-dev',
    endpoints: [writerOf(server)],
    proxyEndpoints: [],
    expectedRole: roleNames(parseProjectName('library')).app,
    // A rotation would look again; here the first look is to be right, however slow the machine.
    loginTimeoutMs: 30_000,
    ...rest,
  });
}

export function writerOf({ local }: TestServer): Endpoint {
  const { user: _user, password: _password, ...target } = local.admin;
  return { title: `writer localhost:${local.port}`, target };
}

export const sql = <Row extends object>(target: ConnectionTarget, text: string): Promise<Row[]> =>
  withClient(target, options, async (client: Client) => (await client.query<Row>(text)).rows);

/** A role that logs in, made by the superuser. */
export async function makeLogin(server: TestServer, user: string, more = ''): Promise<StoredLogin> {
  const password = new Secret(`first-password-of-${user.length}`);
  await sql(
    server.local.admin,
    `CREATE ROLE ${quoteIdentifier(user)} LOGIN PASSWORD '${scramVerifier(password)}' ${more};
     GRANT CONNECT ON DATABASE library TO ${quoteIdentifier(user)}`,
  );
  return { user, password };
}

export async function failureOf(work: Promise<unknown>): Promise<UserError> {
  try {
    await work;
  } catch (error) {
    if (error instanceof UserError) return error;
    throw error;
  }
  throw new Error('it did not fail');
}
