import { parseDatabaseUrl } from '../../../database/database-url.ts';
import { exitCodes, UserError } from '../../../errors.ts';
import type { WiringFault } from '../../../provision/wiring-facts.ts';
import { Secret } from '../../../secret.ts';
import { getRdsCertificates } from '../rds-certificates.ts';
import { isOurs, nameOf, type Stage } from '../stage.ts';
import { secretNameOf } from '../steps/secrets.ts';
import { ownSecretName, roleNameOf } from './attach-names.ts';
import type { AttachTarget, ProxyExtension, TargetChoice } from './attach-target.ts';
import type { AttachLook, AttachWorld } from './attach-world.ts';
import { findServerByHost, getServer, type Server } from './describe-server.ts';
import { findSecret } from './find-secret.ts';

/** A proxy's quota. docs.aws.amazon.com/AmazonRDS/latest/UserGuide/rds-proxy-planning.html */
const secretsPerProxy = 200;

/**
 * The database that functions are to be attached to, with the login that they will have.
 *
 * @param stage of the project at hand, where `--to stage:…` names one
 * @throws UserError NO_TARGET, NO_LOGIN_CHOSEN (exit 2), NO_SUCH_DATABASE, NO_SUCH_SECRET …
 */
export async function findTarget(
  world: AttachWorld,
  look: AttachLook,
  choice: TargetChoice,
  stage?: Stage,
): Promise<AttachTarget> {
  if (choice.databaseUrl !== undefined) return ofUrl(world, look, new Secret(choice.databaseUrl));
  if (stage !== undefined) return ofStage(world, look, stage);
  if (choice.to === undefined) {
    throw new UserError('NO_TARGET', 'no database is chosen', {
      exit: exitCodes.usage,
      suggestions: [
        '--to <id of an RDS instance, Aurora cluster or RDS Proxy>',
        '--to stage:dev',
        '--database-url',
      ],
    });
  }
  const server = await getServer(world, look, choice.to);
  return ofServer(world, look, server, choice, `${server.kind}:${server.id}`);
}

async function ofStage(world: AttachWorld, look: AttachLook, stage: Stage): Promise<AttachTarget> {
  const { cloud, snake } = stage;
  const kind = cloud.database.kind === 'aurora' ? 'cluster' : 'instance';
  const id = cloud.proxy === false ? `${kind}:${nameOf(stage, 'db')}` : `proxy:${nameOf(stage, 'proxy')}`;
  const server = await getServer(world, look, id);
  const login = cloud.auth === 'iam' ? { iamUser: `${snake}_a` } : { secret: secretNameOf(stage, 'active') };
  const secret = login.secret === undefined ? undefined : await look.secret(login.secret);
  if (secret !== undefined && !isOurs(stage, secret.Tags)) {
    throw new UserError('FOREIGN_RESOURCE', `secret ${login.secret} does not carry this project's tags`);
  }
  return ofServer(world, look, server, { ...login, databaseName: snake }, `stage:${stage.prefix}`, true);
}

/** @param isStage its proxy knows the active login by another of its secrets */
async function ofServer(
  world: AttachWorld,
  look: AttachLook,
  server: Server,
  choice: TargetChoice,
  id: string,
  isStage = false,
): Promise<AttachTarget> {
  const { aws, context } = world;
  const { host, port, placement, isPublic } = server;
  const database = choice.databaseName ?? server.database ?? 'postgres';
  const isProxy = server.kind === 'proxy';
  const common = {
    ...{ id, host, port, database, placement, isPublic },
    // A proxy's certificate is publicly signed.
    needsRdsAuthorities: !isProxy,
  };
  const authority = isProxy ? {} : { ca: await getRdsCertificates(context, aws.region) };
  const title = titleOf(server);
  if (choice.iamUser !== undefined) {
    const { account, partition } = await aws.identity();
    const user = choice.iamUser;
    return {
      facts: { ...common, login: { kind: 'iam', user } },
      title,
      ...authority,
      loginArn: `arn:${partition}:rds-db:${aws.region}:${account}:dbuser:${server.resourceId}/${user}`,
      faults: [...faultsOf(server), ...(server.takesIam ? [] : [noIam(server)])],
      warnings: [],
    };
  }
  const spelled = choice.secret ?? onlySecretOf(server);
  if (spelled === undefined) throw noLogin(server);
  const secret = await findSecret(world, look, spelled);
  const proxy = isStage ? {} : proxyFor(server, secret.arn);
  return {
    facts: { ...common, login: { kind: 'secret', arn: secret.arn } },
    title,
    ...authority,
    secret,
    ...(proxy.extension !== undefined && { proxy: proxy.extension }),
    faults: [...faultsOf(server), ...(proxy.faults ?? [])],
    warnings: [],
  };
}

async function ofUrl(world: AttachWorld, look: AttachLook, url: Secret): Promise<AttachTarget> {
  const { host, port, database, user, password, tls } = await parseDatabaseUrl(url);
  if (tls === false) {
    throw new UserError('NO_TLS', `the database URL of ${host} says sslmode=disable`, {
      exit: exitCodes.usage,
      suggestions: ['functions reach their database over a network: use sslmode=verify-full'],
    });
  }
  const server = await findServerByHost(world, look, host);
  const isDirect = server !== undefined && server.kind !== 'proxy';
  const ca = isDirect ? await getRdsCertificates(world.context, world.aws.region) : tls.ca;
  return {
    facts: {
      ...{ id: `url:${host}`, host, port, database },
      ...(server !== undefined && { placement: server.placement }),
      isPublic: server?.isPublic ?? true,
      needsRdsAuthorities: isDirect,
      login: { kind: 'new-secret', name: ownSecretName('<function>') },
    },
    title: server === undefined ? `PostgreSQL at ${host}` : titleOf(server),
    ...(ca !== undefined && { ca }),
    newLogin: { username: user, password: typeof password === 'function' ? await password() : password },
    faults: server === undefined ? [] : faultsOf(server),
    warnings:
      tls.ca !== undefined && !isDirect
        ? [`${host} has an authority of its own: put it into the function's package and add --ssl-root-cert`]
        : [],
  };
}

const titles = { instance: 'RDS instance', cluster: 'Aurora cluster', proxy: 'RDS Proxy' };
const titleOf = ({ kind, id }: Server): string => `${titles[kind]} ${id}`;

const usable = /^(available|backing-up|storage-optimization|storage-config-upgrade|modifying|maintenance)$/;

function faultsOf(server: Server): WiringFault[] {
  const { isPostgres, status, kind } = server;
  const title = titleOf(server);
  if (!isPostgres) {
    return [{ code: 'NOT_POSTGRESQL', message: `${title} is no PostgreSQL`, suggestions: ['another --to'] }];
  }
  if (kind === 'proxy' ? status === 'available' : usable.test(status)) return [];
  const start = `aws rds start-db-${kind} --db-${kind}-identifier ${server.id}`;
  return [
    {
      code: 'DATABASE_STATUS',
      message: `${title} is ${status}: nothing can be attached to it, or proved, in that state`,
      suggestions: [status === 'stopped' && kind !== 'proxy' ? start : 'wait until it is available'],
    },
  ];
}

/** A proxy with one secret has one login. */
function onlySecretOf({ proxy }: Server): string | undefined {
  const secrets = (proxy?.Auth ?? []).flatMap(({ SecretArn }) => SecretArn ?? []);
  return secrets.length === 1 ? secrets[0] : undefined;
}

/** What a proxy lacks for a password login. */
function proxyFor(
  server: Server,
  secretArn: string,
): { readonly extension?: ProxyExtension; readonly faults?: readonly WiringFault[] } {
  const { proxy, id, owner } = server;
  if (proxy === undefined) return {};
  const { Auth = [], DefaultAuthScheme, RoleArn = '' } = proxy;
  const known = Auth.find((auth) => auth.SecretArn === secretArn);
  if (known?.IAMAuth === 'REQUIRED') return { faults: [takesIamOnly(id)] };
  if (known !== undefined) {
    // Its description says whether it is one that attach has added.
    return known.Description?.startsWith('lambdapg:attach:') === true
      ? { extension: { name: id, roleName: roleNameOf(RoleArn), secretArn } }
      : {};
  }
  if (DefaultAuthScheme === 'IAM_AUTH') return { faults: [takesIamOnly(id)] };
  if (Auth.length >= secretsPerProxy) {
    const message = `RDS Proxy ${id} has ${Auth.length} secrets, the most that it takes`;
    return { faults: [{ code: 'PROXY_FULL', message, suggestions: ['--secret with one of these'] }] };
  }
  const extension = { name: id, roleName: roleNameOf(RoleArn), secretArn };
  return { extension: { ...extension, ...(owner !== undefined && { owner }) } };
}

const takesIamOnly = (id: string): WiringFault => ({
  code: 'PROXY_TAKES_IAM_ONLY',
  message: `RDS Proxy ${id} takes IAM tokens and no passwords`,
  suggestions: ['--iam-user <login> in place of --secret'],
});

const noIam = (server: Server): WiringFault => ({
  code: 'NO_IAM_LOGIN',
  message: `${titleOf(server)} does not take IAM tokens`,
  suggestions: ['--secret <arn> in place of --iam-user', 'or enable IAM database authentication on it'],
});

const noLogin = (server: Server): UserError =>
  new UserError('NO_LOGIN_CHOSEN', `nothing says what functions log in to ${titleOf(server)} as`, {
    exit: exitCodes.usage,
    suggestions: [
      '--secret <arn>: JSON with username and password',
      '--iam-user <login>: a login that was granted rds_iam',
    ],
  });
