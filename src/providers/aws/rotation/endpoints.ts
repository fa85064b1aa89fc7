import type { DBProxy } from '@aws-sdk/client-rds';
import type { ConnectionTarget } from '../../../database/target.ts';
import { UserError } from '../../../errors.ts';
import { describeProxy } from '../describe-database.ts';
import { outsideDatabase } from '../outside-database.ts';
import { getRdsCertificates } from '../rds-certificates.ts';
import { nameOf, type Stage } from '../stage.ts';
import type { DatabaseHave } from '../steps/database-have.ts';
import type { World } from '../steps/world.ts';
import { describeProxyEndpoints, findServers } from './endpoints-servers.ts';

/** One place where consumers log in. */
export interface RotationEndpoint {
  /** For people: `reader shop-dev-db-2.….rds.amazonaws.com:5432`. */
  readonly title: string;
  readonly target: Omit<ConnectionTarget, 'user' | 'password'>;
}

/** Every place where a login has to work before consumers get it. */
export interface RotationEndpoints {
  /** The writer, then each reader by itself: a shared reader endpoint hides one that lags. */
  readonly endpoints: readonly RotationEndpoint[];
  readonly proxyEndpoints: readonly RotationEndpoint[];
  /** The proxy in front of the database, if there is one. */
  readonly proxy?: DBProxy;
  /** Names under which a secret may name this database: the shared endpoints and those of the proxy too. */
  readonly hosts: ReadonlySet<string>;
  /** What could not be looked at, for the report. */
  readonly notes: readonly string[];
}

/**
 * The endpoints of a stage's database.
 *
 * @param database absent for one outside AWS
 * @throws UserError ROTATION_UNSUPPORTED, SECRET_EMPTY
 */
export async function rotationEndpoints(world: World, database?: DatabaseHave): Promise<RotationEndpoints> {
  const { aws, stage } = world;
  verifyRotatable(stage);
  if (database === undefined) return outsideEndpoints(world);
  const ca = await getRdsCertificates(world.context, aws.region);
  const [{ servers, shared, notes }, proxy] = await Promise.all([
    findServers(aws, database),
    describeProxy(aws, nameOf(stage, 'proxy')),
  ]);
  const common = { port: database.port, database: stage.snake };
  const endpoints = servers.map(({ role, host, port }) => ({
    title: `${role} ${host}:${port}`,
    target: { ...common, host, port, tls: { ca } },
  }));
  const hasReader = servers.some(({ role }) => role === 'reader');
  const proxyEndpoints = await endpointsOf(world, proxy, hasReader);
  const hosts = [...servers, ...proxyEndpoints.map(({ target }) => target)].map(({ host }) => host);
  return {
    ...{ endpoints, proxyEndpoints, notes },
    ...(proxy !== undefined && { proxy }),
    hosts: new Set([...hosts, ...shared]),
  };
}

/** @throws UserError ROTATION_UNSUPPORTED, NOTHING_TO_ROTATE */
export function verifyRotatable({ cloud, stage, project }: Stage): void {
  if (cloud.database.kind === 'heroku') {
    throw new UserError(
      'ROTATION_UNSUPPORTED',
      `stage ${stage} of ${project} has a database of Heroku, whose credentials rotate-creds does not rotate yet`,
      {
        suggestions: [
          'heroku pg:credentials:rotate --name <credential> rotates one of them: Heroku then changes the config vars',
          'functions whose execution environments read the login once keep the former one until they are replaced',
        ],
      },
    );
  }
  if (cloud.auth !== 'iam') return;
  throw new UserError(
    'NOTHING_TO_ROTATE',
    `stage ${stage} of ${project} logs in by IAM: it has no password`,
    {
      suggestions: [
        'its tokens are made anew for each connection and end after 15 minutes',
        '--strategy managed rotates a master password that RDS keeps',
      ],
    },
  );
}

async function outsideEndpoints({ context, aws, stage }: World): Promise<RotationEndpoints> {
  const { app } = await outsideDatabase(context, aws, stage);
  const { user: _user, password: _password, ...target } = app;
  return {
    endpoints: [{ title: `server ${target.host}:${target.port}`, target }],
    ...{ proxyEndpoints: [], hosts: new Set([target.host]), notes: [] },
  };
}

/** A proxy's certificate is publicly signed; without readers nothing answers at its read-only endpoints. */
async function endpointsOf(
  { aws, stage }: World,
  proxy: DBProxy | undefined,
  hasReader: boolean,
): Promise<RotationEndpoint[]> {
  const { DBProxyName: name, Endpoint: own } = proxy ?? {};
  if (name === undefined || own === undefined) return [];
  const all = await describeProxyEndpoints(aws, name);
  const others = all.filter(
    ({ IsDefault, TargetRole }) => !IsDefault && (hasReader || TargetRole !== 'READ_ONLY'),
  );
  const places = [
    { host: own, what: `proxy ${name}` },
    ...others.map(({ Endpoint = '', DBProxyEndpointName: id, TargetRole }) => ({
      host: Endpoint,
      what: `proxy ${name}, ${TargetRole === 'READ_ONLY' ? 'read-only ' : ''}endpoint ${id}`,
    })),
  ];
  return places
    .filter(({ host }) => host !== '')
    .map(({ host, what }) => ({
      title: what,
      target: { host, port: 5432, database: stage.snake, tls: {} },
    }));
}
