import type { Context } from '../../context.ts';
import type { ConnectionTarget } from '../../database/target.ts';
import { Secret } from '../../secret.ts';
import type { Aws } from './clients.ts';
import { getRdsCertificates } from './rds-certificates.ts';
import type { Stage } from './stage.ts';
import { masterUser } from './steps/database.ts';
import type { DatabaseHave } from './steps/database-have.ts';
import { readLogin, secretNameOf } from './steps/secrets.ts';

interface Place {
  readonly host: string;
  readonly port: number;
}

/**
 * An IAM token for one login at one place: signed here, no network call, good for 15 minutes, made anew for each connection.
 *
 * Source: docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.Connecting.html
 */
export function iamPassword(aws: Aws, { host, port }: Place, user: string): () => Promise<Secret> {
  return async () => {
    const { Signer } = await import('@aws-sdk/rds-signer');
    const { region, credentials } = aws;
    const signer = new Signer({ hostname: host, port, username: user, region, credentials });
    return new Secret(await signer.getAuthToken());
  };
}

/** The master user of a stage's database: its password from the secret that RDS keeps, or an IAM token. */
export async function adminTarget(
  context: Context,
  aws: Aws,
  stage: Stage,
  database: DatabaseHave,
): Promise<ConnectionTarget> {
  const { host, port, masterSecretArn } = database;
  return {
    ...{ host, port, database: stage.snake, user: masterUser },
    password:
      masterSecretArn === undefined
        ? iamPassword(aws, database, masterUser)
        : async () => (await readLogin(aws, masterSecretArn)).password,
    tls: { ca: await getRdsCertificates(context, aws.region) },
  };
}

/** What functions log in as: the slot that the active secret names, or slot a by IAM. */
export async function appTarget(
  context: Context,
  aws: Aws,
  stage: Stage,
  place: Place,
): Promise<ConnectionTarget> {
  const { host, port } = place;
  const tls = { ca: await getRdsCertificates(context, aws.region) };
  const common = { host, port, database: stage.snake, tls };
  if (stage.cloud.auth === 'iam') {
    const user = `${stage.snake}_a`;
    return { ...common, user, password: iamPassword(aws, place, user) };
  }
  const { username, password } = await readLogin(aws, secretNameOf(stage, 'active'));
  return { ...common, user: username, password };
}

/** The same login at the proxy: a token is for one name. A proxy's certificate is publicly signed. */
export function proxyTarget(
  aws: Aws,
  { cloud }: Stage,
  app: ConnectionTarget,
  place: Place,
): ConnectionTarget {
  const { host, port } = place;
  const password = cloud.auth === 'iam' ? iamPassword(aws, place, app.user) : app.password;
  return { ...app, host, port, password, tls: {} };
}
