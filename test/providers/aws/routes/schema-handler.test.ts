import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { bundleSchema } from '../../../../scripts/bundle-runner.js';
import type { ConnectionTarget } from '../../../../src/database/target.ts';
import { withClient } from '../../../../src/database/with-client.ts';
import { createAuthority, type KeyPair } from '../../../../src/local/postgres/certificates.ts';
import type { SchemaProperties } from '../../../../src/providers/aws/routes/schema-handler.ts';
import { Secret } from '../../../../src/secret.ts';
import { RdsServer } from '../../../bed/data-plane/rds-server.ts';
import { verifyRdsToken } from '../../../bed/data-plane/rds-token.ts';
import { startTokenFront } from '../../../bed/data-plane/token-front.ts';
import { invoke, payloadOf, serve, type Told } from '../../../local/lambda/lambda-bed.ts';
import { makeTempDir, testContext } from '../../../postgres-server.ts';
import { type SecretsStore, startSecretsStore } from './secrets-store.ts';

const region = 'eu-central-1';
const arn = (name: string) => `arn:aws:secretsmanager:${region}:123456789012:secret:shop-dev/${name}-AbCdEf`;
const arns = {
  adminSecretArn: arn('admin'),
  activeSecretArn: arn('active'),
  slotASecretArn: arn('slot-a'),
  slotBSecretArn: arn('slot-b'),
};
const credentials = {
  AWS_ACCESS_KEY_ID: 'AKIDROLE',
  AWS_SECRET_ACCESS_KEY: 'a/secret+key',
  AWS_SESSION_TOKEN: 's+/=',
};
const masterPassword = 'Master-canary-1';
const migrations = {
  'migrations/0001_books.sql': 'CREATE TABLE books (id int PRIMARY KEY, title text NOT NULL);\n',
  'seeds/10_books.csv': 'id,title\n1,Emma\n2,Ulysses\n',
};

let authority: KeyPair;
let server: RdsServer;
let store: SecretsStore;
let codeDir: string;
/** A project of its own for each test, on one server. */
let project = '';
let projects = 0;
const folders: string[] = [];

beforeAll(async () => {
  codeDir = await makeTempDir();
  folders.push(codeDir);
  [authority] = await Promise.all([createAuthority(), bundleSchema({ outfile: join(codeDir, 'index.mjs') })]);
});
afterAll(() => Promise.all(folders.map((folder) => rm(folder, { recursive: true, force: true }))));

beforeEach(async () => {
  projects += 1;
  project = `shop${projects}`;
  store = await startSecretsStore(Object.values(arns));
  store.values.set(
    arns.adminSecretArn,
    JSON.stringify({ username: 'lambdapg_admin', password: masterPassword }),
  );
});
afterEach(() => store.close());

async function startServer(password?: string): Promise<void> {
  server = await RdsServer.create(testContext(), {
    ...{
      major: 17,
      names: ['localhost'],
      authority,
      maxConnections: 20,
      forceSsl: true,
    },
    master: { user: 'lambdapg_admin', ...(password !== undefined && { password: new Secret(password) }) },
  });
}

interface Deployment {
  readonly files?: Readonly<Record<string, string>>;
  readonly type?: 'Create' | 'Update' | 'Delete';
  readonly properties?: Partial<SchemaProperties>;
  readonly host?: string;
}

/** One request of CloudFormation, as the framework's function passes it on. */
async function deploy({
  files = migrations,
  type = 'Create',
  properties = arns,
  host,
}: Deployment = {}): Promise<{
  readonly result: unknown;
  readonly failed: boolean;
  readonly told: Told;
}> {
  const at = host ?? server.address.host;
  await server.reload({ names: [server.address.host, server.frontAddress.host] });
  const folder = await makeTempDir();
  folders.push(folder);
  const all = {
    ...files,
    'index.mjs': `export { handler } from ${JSON.stringify(join(codeDir, 'index.mjs'))};`,
    'lambdapg.json': JSON.stringify({ name: project }),
    'rds-ca.pem': authority.certificate,
  };
  for (const [path, text] of Object.entries(all)) {
    await mkdir(dirname(join(folder, path)), { recursive: true });
    await writeFile(join(folder, path), text);
  }
  const environment = { ...credentials, AWS_REGION: region, AWS_ENDPOINT_URL_SECRETS_MANAGER: store.url };
  const { lambda, told } = await serve([
    {
      ...{ name: 'schema', language: 'node', runtime: 'nodejs22.x', executable: process.execPath },
      ...{
        codeDir: folder,
        handler: 'index.handler',
        timeoutMs: 60_000,
        memoryMb: 1024,
        environment,
        routes: [],
      },
    },
  ]);
  const event = {
    RequestType: type,
    ResponseURL: 'https://example.com/canary',
    ResourceProperties: { host: at, ...properties },
  };
  const outcome = await invoke(lambda, event, 'schema');
  return { result: payloadOf(outcome), failed: outcome.failure !== undefined, told };
}

const loginOf = (secretArn: string) =>
  JSON.parse(store.values.get(secretArn) ?? 'null') as { username: string; password: string };

const query = (login: { username: string; password: string }, sql: string) => {
  const target: ConnectionTarget = {
    ...{ host: server.address.host, port: 5432, database: project },
    ...{ user: login.username, password: new Secret(login.password), tls: { ca: authority.certificate } },
  };
  return withClient(target, { applicationName: 'test' }, async (client) => (await client.query(sql)).rows);
};

const createDatabase = () =>
  server.asAdmin((client) => client.query(`CREATE DATABASE ${project} OWNER lambdapg_admin`));

describe('with secrets', () => {
  beforeAll(() => startServer(masterPassword));
  beforeEach(createDatabase);
  afterAll(() => server.remove());

  test('fills empty secrets, makes the roles, migrates and seeds; a second time changes nothing', async () => {
    const first = await deploy();
    expect(first.result).toEqual({ PhysicalResourceId: 'lambdapg-schema' });
    expect(loginOf(arns.activeSecretArn)).toMatchObject({ username: `${project}_a`, engine: 'postgres' });
    expect(loginOf(arns.slotASecretArn)).toEqual(loginOf(arns.activeSecretArn));
    expect(loginOf(arns.slotBSecretArn).username).toBe(`${project}_b`);
    for (const secret of [arns.slotASecretArn, arns.slotBSecretArn]) {
      const rows = await query(
        loginOf(secret),
        'SELECT current_user AS role, count(*)::int AS books FROM books',
      );
      expect(rows).toEqual([{ role: `${project}_app`, books: 2 }]);
    }
    const values = new Map(store.values);
    const second = await deploy({ type: 'Update' });
    expect(second.failed).toBe(false);
    expect(store.values).toEqual(values);
    expect(store.written).toHaveLength(3);
    const lines = [...first.told.lines(), ...second.told.lines()].join('\n');
    expect(lines).toContain('0001_books.sql');
    for (const secret of [masterPassword, loginOf(arns.activeSecretArn).password, 'canary']) {
      expect(lines).not.toContain(secret);
    }
  });

  test('behind no proxy there is one secret', async () => {
    const { adminSecretArn, activeSecretArn } = arns;
    await deploy({ properties: { adminSecretArn, activeSecretArn } });
    expect(store.written).toEqual([activeSecretArn]);
    expect(await query(loginOf(activeSecretArn), 'SELECT title FROM books WHERE id = 1')).toEqual([
      { title: 'Emma' },
    ]);
  });

  test('a value that is there is never overwritten, and a proxy that comes later shares it', async () => {
    const { adminSecretArn, activeSecretArn } = arns;
    await deploy({ properties: { adminSecretArn, activeSecretArn } });
    const active = loginOf(activeSecretArn);
    await deploy({ type: 'Update' });
    expect(loginOf(activeSecretArn)).toEqual(active);
    expect(loginOf(arns.slotASecretArn)).toEqual(active);
    expect(await query(loginOf(arns.slotBSecretArn), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('a run that was cut off between a secret and its role is put right', async () => {
    await deploy();
    // As if slot b's secret had been filled, and its role had kept another password.
    store.values.set(arns.slotBSecretArn, JSON.stringify({ username: `${project}_b`, password: 'another' }));
    await deploy({ type: 'Update' });
    expect(await query(loginOf(arns.slotBSecretArn), 'SELECT 1 AS one')).toEqual([{ one: 1 }]);
  });

  test('of two runs that fill the same secret the second takes what the first put in', async () => {
    const properties = { adminSecretArn: arns.adminSecretArn, activeSecretArn: arns.activeSecretArn };
    const results = await Promise.all([deploy({ properties }), deploy({ properties, type: 'Update' })]);
    expect(results.map(({ failed }) => failed)).toEqual([false, false]);
    expect(store.written).toEqual([arns.activeSecretArn]);
    expect(await query(loginOf(arns.activeSecretArn), 'SELECT count(*)::int AS books FROM books')).toEqual([
      { books: 2 },
    ]);
  });

  test('a migration that fails fails the deployment with file, line and SQLSTATE', async () => {
    const files = {
      'migrations/0001_books.sql': 'CREATE TABLE books (id int);\n\nCREATE TABLE books (id int);\n',
    };
    const { failed, result, told } = await deploy({ files });
    expect(failed).toBe(true);
    expect(result).toMatchObject({
      errorType: 'STATEMENT_FAILED',
      errorMessage: expect.stringMatching(
        /^migrations\/0001_books\.sql:3:1: relation "books" already exists \(42P07\)/,
      ),
    });
    expect([...told.lines(), JSON.stringify(result)].join()).not.toMatch(/canary|Master-/);
  });

  test('a rollback, whose files know less than the database, leaves the schema as it is', async () => {
    await deploy({ files: { ...migrations, 'migrations/0002_more.sql': 'CREATE TABLE more (id int);' } });
    const { failed, told } = await deploy({ type: 'Update' });
    expect(failed).toBe(false);
    expect(told.lines().join('\n')).toContain('the schema is left as it is: 0002_more.sql');
    // A new stack on such a database is no rollback.
    expect(await deploy({ type: 'Create' })).toMatchObject({
      failed: true,
      result: { errorType: 'MIGRATION_MISSING' },
    });
  });

  test('a deletion touches nothing', async () => {
    const { result } = await deploy({ type: 'Delete', host: 'gone.invalid' });
    expect(result).toEqual({ PhysicalResourceId: 'lambdapg-schema' });
    expect(store.written).toEqual([]);
  });

  test('secrets that cannot be read are named, with what to look at', async () => {
    store.values.delete(arns.activeSecretArn);
    const { result } = await deploy();
    expect(result).toMatchObject({
      errorType: 'SECRET_UNREADABLE',
      errorMessage: expect.stringContaining(arns.activeSecretArn),
    });
  });
});

test('with IAM there is no secret and nobody is asked for one', async () => {
  await startServer();
  onTestFinished(() => server.remove());
  await createDatabase();
  const asked: string[] = [];
  store.onCall = (action) => asked.push(action);
  const front = await startTokenFront({
    server,
    port: 5432,
    verifyToken: async (user, token) => {
      const signer = {
        secretAccessKey: credentials.AWS_SECRET_ACCESS_KEY,
        sessionToken: credentials.AWS_SESSION_TOKEN,
        arn: 'arn:aws:iam::123456789012:role/schema',
      };
      const verdict = await verifyRdsToken(token, {
        ...{ hosts: [server.frontAddress.host], port: 5432, user, region, now: new Date() },
        findSigner: async (key) => (key === credentials.AWS_ACCESS_KEY_ID ? signer : undefined),
      });
      return 'refused' in verdict ? verdict.refused : undefined;
    },
  });
  onTestFinished(() => front.stop());
  const { result } = await deploy({ properties: { auth: 'iam' }, host: server.frontAddress.host });
  expect(result).toEqual({ PhysicalResourceId: 'lambdapg-schema' });
  expect(asked).toEqual([]);
  expect(await server.isIamUser(`${project}_a`)).toBe(true);
  const rows = await server.asAdmin(
    async (client) => (await client.query('SELECT id FROM books')).rows,
    project,
  );
  expect(rows).toHaveLength(2);
});
