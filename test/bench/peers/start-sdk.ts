// A cold start with pg and the SDK's client of Secrets Manager: import, secret, connect, one row.
import { readFileSync } from 'node:fs';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import pg from 'pg';

const secrets = new SecretsManagerClient({});
const ssl = { ca: readFileSync(process.env.PGSSLROOTCERT ?? '', 'utf8') };
if (process.argv[2] !== 'import') {
  const command = new GetSecretValueCommand({ SecretId: process.env.LAMBDAPG_SECRET_ARN });
  const { SecretString: text = '' } = await secrets.send(command);
  const { username: user, password } = JSON.parse(text) as { username: string; password: string };
  const client = new pg.Client({ ssl, user, password });
  await client.connect();
  await client.query('select 1 as one');
  await client.end();
}
