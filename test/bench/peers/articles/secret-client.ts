// The way of the 2022 article on RDS from Lambda: the AWS SDK fetches the secret and a client connects, in every invocation.
// Mended only where it would not run today: SDK version 3, TLS, an answer.
import { readFileSync } from 'node:fs';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import pg from 'pg';

const secrets = new SecretsManagerClient({});

export async function handler() {
  const { DB_SECRET_ARN = '', PGSSLROOTCERT = '' } = process.env;
  const { SecretString = '{}' } = await secrets.send(new GetSecretValueCommand({ SecretId: DB_SECRET_ARN }));
  const { username, password } = JSON.parse(SecretString) as { username: string; password: string };
  const client = new pg.Client({
    user: username,
    password,
    ssl: { ca: readFileSync(PGSSLROOTCERT, 'utf8') },
  });
  await client.connect();
  const { rows } = await client.query('select id, title from books order by id limit 2');
  await client.end();
  return { statusCode: 200, body: JSON.stringify(rows) };
}
