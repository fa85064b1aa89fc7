import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { Secret } from '../../src/secret.ts';
import { type Bed, startBed } from '../bed/bed.ts';
import { type CliResult, runCli } from './cli.ts';
import { isChange, nameOf, startCloudBed } from './cloud-bed.ts';

// Each runs the command line several times.
vi.setConfig({ testTimeout: 120_000 });

const config = {
  name: 'shop',
  template: 'api',
  language: 'node',
  runtime: 'nodejs24.x',
  functions: { api: { handler: 'src/api.handler', routes: ['$default'] } },
};

interface Account {
  readonly bed: Bed;
  readonly dir: string;
  run(...args: string[]): Promise<CliResult>;
}

let account: Account;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'lambdapg-bad-input-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** A project of which only the answers matter, in an account. */
async function openProject(bed: Bed, cloud: object = {}, env: Record<string, string> = {}): Promise<Account> {
  const dir = await mkdtemp(join(folder, 'p'));
  await writeFile(join(dir, 'lambdapg.json'), `${JSON.stringify({ ...config, cloud }, null, 2)}\n`);
  return { bed, dir, run: (...args) => runCli(args, { cwd: dir, env: { ...bed.environment, ...env } }) };
}

function withAccount(): void {
  beforeAll(async () => {
    account = await openProject(await startBed());
  });
  afterAll(() => account.bed.stop());
}

interface Refusal {
  readonly exit: number;
  readonly code: string;
  /** Message and suggestions, one a line. */
  readonly says: RegExp;
}

interface ErrorJson {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly suggestions: readonly string[];
    readonly exit: number;
  };
}

/** The same refusal for people and for programs; nothing made, nothing written. @returns the calls that it took */
async function expectRefusal(
  { bed, dir, run }: Pick<Account, 'bed' | 'dir' | 'run'>,
  args: readonly string[],
  { exit, code, says }: Refusal,
): Promise<string[]> {
  await bed.clearRequests();
  const file = join(dir, 'lambdapg.json');
  const before = await readFile(file, 'utf8');
  const [shown, json] = await Promise.all([run(...args), run(...args, '--json')]);
  const { error } = json.json() as ErrorJson;
  const said = [error.message, ...error.suggestions].join('\n');
  expect({ exit: json.exitCode, code: error.code, said, stderr: json.stderr }, said).toEqual({
    exit,
    code,
    said: expect.stringMatching(says),
    stderr: '',
  });
  expect(error.exit).toBe(exit);
  expect(shown.exitCode, shown.stderr).toBe(exit);
  expect(shown.stderr).toContain(error.message.split('\n')[0]);
  for (const suggestion of error.suggestions) expect(shown.stderr).toContain(suggestion);
  expect(shown.stdout).toBe('');
  const requests = await bed.requests();
  expect(requests.filter((one) => isChange(one)).map(nameOf)).toEqual([]);
  expect(requests.map(nameOf)).not.toContain('ssm:PutParameter');
  expect(await readFile(file, 'utf8')).toBe(before);
  return requests.map(nameOf);
}

const usage = (code: string, says: RegExp): Refusal => ({ exit: 2, code, says });
const refused = (code: string, says: RegExp): Refusal => ({ exit: 1, code, says });

const provision = ['provision', '--yes', '--no-prices'];

describe('what is wrong is said before AWS is asked anything', () => {
  withAccount();

  test.each<readonly [string, readonly string[], Refusal]>([
    ['a region that is none', ['--region', 'banana'], usage('UNKNOWN_REGION', /"banana"\n--region/)],
    [
      'a region that does not exist',
      ['--region', 'eu-nowhere-9'],
      usage('UNKNOWN_REGION', /no AWS region "eu-nowhere-9"/),
    ],
    ['a stage in capitals', ['--stage', 'Prod'], usage('BAD_STAGE', /"Prod".*\n--stage dev/)],
    [
      'ACUs in words',
      ['--database', 'aurora', '--min-acu', 'abc'],
      usage('BAD_ANSWER', /^--min-acu abc: .*expected number/),
    ],
    [
      'ACUs for an instance',
      ['--min-acu', '1'],
      usage('BAD_FLAGS', /--min-acu is for --database aurora, and this is database rds/),
    ],
    ['a kind of database that there is not', ['--database', 'oracle'], usage('USAGE', /oracle.*rds, aurora/)],
    ['a map that is none', ['--db-host-map', 'db'], usage('BAD_HOST_MAP', /"db" is not name=host:port/)],
  ])('%s', async (_title, flags, refusal) => {
    expect(await expectRefusal(account, [...provision, ...flags], refusal)).toEqual([]);
  });

  test('no credentials', async () => {
    const project = await openProject(account.bed, {}, { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '' });
    for (const args of [
      ['status', '--no-prices'],
      ['deploy', '--yes'],
      ['migrate', '--stage', 'dev'],
    ])
      expect(
        await expectRefusal(project, args, usage('NO_CREDENTIALS', /no AWS credentials.*\n.*aws sso login/)),
      ).toEqual([]);
    await expectRefusal(
      project,
      [...provision, '--profile', 'nobody'],
      usage('NO_CREDENTIALS', /profile "nobody"/),
    );
  });

  test('no region', async () => {
    const project = await openProject(account.bed, {}, { AWS_REGION: '', AWS_DEFAULT_REGION: '' });
    expect(await expectRefusal(project, provision, usage('NO_REGION', /--region eu-/))).toEqual([]);
  });

  test('faults of "cloud" in lambdapg.json, all at once, each with the nearest key', async () => {
    const project = await openProject(account.bed, {
      regoin: 'eu-central-1',
      database: { instanceClas: 'db.t4g.micro', minAcu: 4 },
      proxy: {
        maxConnectionPercent: 60,
        maxIdleConnectionsPercent: 600,
        borrowTimeoutSeconds: 301,
        pinningFilters: ['EXCLUDE_VARIABLE_SETS'],
      },
      network: { cidr: '10.20.1.0/22' },
      logRetentionDays: 15,
    });
    const faults = [
      /lambdapg\.json has 9 faults/,
      /:15:5 cloud\.regoin: unknown key, did you mean "region"\?/,
      /:17:7 cloud\.database\.instanceClas: unknown key, did you mean "instanceClass"\?/,
      /:18:\d+ cloud\.database\.minAcu: expected no more than maxAcu, which is 2 unless told, found 4/,
      /:21:7 cloud\.proxy\.maxConnectionPercent: unknown key, did you mean "maxConnectionsPercent"\?/,
      /:22:\d+ cloud\.proxy\.maxIdleConnectionsPercent: .*<=100, found 600/,
      /:23:\d+ cloud\.proxy\.borrowTimeoutSeconds: .*<=300, found 301/,
      /:25:9 cloud\.proxy\.pinningFilters\.0: .*is for MySQL; a SET of PostgreSQL always pins, found "EXCLUDE_VARIABLE_SETS"/,
      /:29:\d+ cloud\.network\.cidr: .*multiple of its size.*"10\.20\.1\.0\/22"/,
      /:31:\d+ cloud\.logRetentionDays: expected one of 1, 3, .*731, found 15/,
    ];
    const all = new RegExp(faults.map(({ source }) => source).join('.*\\n.*'));
    await expectRefusal(project, provision, usage('BAD_CONFIG', all));
  });
});

describe('what AWS knows better is said before anything is made', () => {
  withAccount();

  test.each<readonly [string, readonly string[], Refusal]>([
    [
      'a class that there is not',
      ['--instance-class', 'db.t9.mega'],
      refused('UNKNOWN_INSTANCE_CLASS', /us-east-1 offers no db\.t9\.mega .*\n--instance-class db/),
    ],
    [
      'a minor version that there is not',
      ['--engine-version', '17.99'],
      refused('UNKNOWN_ENGINE_VERSION', /no postgres 17\.99\n--engine-version 17\.\d+/),
    ],
    [
      'a major version that there is not',
      ['--engine-version', '9'],
      refused('UNKNOWN_ENGINE_VERSION', /no postgres 9\n--engine-version .*16\.\d+ or 17\.\d+/),
    ],
    [
      'an existing network without subnets',
      ['--network', 'existing'],
      usage('NO_SUBNETS', /found 0\n--subnets/),
    ],
    [
      'subnets that there are not',
      ['--subnets', 'subnet-11,subnet-22'],
      refused('UNKNOWN_SUBNET', /no subnet subnet-11, subnet-22 in us-east-1/),
    ],
  ])('%s', async (_title, flags, refusal) => {
    await expectRefusal(account, [...provision, ...flags], refusal);
  });

  test('subnets in one zone, and of two VPCs', async () => {
    const [a, b] = [await makeVpc('10.1.0.0/16'), await makeVpc('10.2.0.0/16')];
    const one = await makeSubnet(a, '10.1.0.0/24', 'us-east-1a');
    const two = await makeSubnet(a, '10.1.1.0/24', 'us-east-1a');
    const other = await makeSubnet(b, '10.2.1.0/24', 'us-east-1b');
    await expectRefusal(
      account,
      [...provision, '--subnets', `${one},${two}`],
      refused('SUBNETS_IN_ONE_ZONE', /us-east-1a: RDS needs two availability zones\nadd a subnet/),
    );
    await expectRefusal(
      account,
      [...provision, '--subnets', `${one},${other}`],
      refused('SUBNETS_OF_TWO_VPCS', new RegExp(`${a} and ${b}|${b} and ${a}`)),
    );
  });

  test('a session that has expired, and credentials that AWS does not know', async () => {
    const { bed } = account;
    const fault = { kind: 'error', message: 'the token is bad', status: 403, count: -1 } as const;
    await bed.fault({ ...fault, code: 'ExpiredToken' });
    const expired = refused('SESSION_EXPIRED', /session has expired.*\n.*aws sso login/);
    for (const args of [provision, ['destroy', '--confirm', 'shop'], ['invoke', 'api', '--stage', 'dev']])
      await expectRefusal(account, args, expired);
    await bed.clearFaults();
    await bed.fault({ ...fault, code: 'InvalidClientTokenId' });
    const unknown = refused('BAD_CREDENTIALS', /does not accept these credentials.*\n.*aws sso login/);
    await expectRefusal(account, ['migrate', '--stage', 'dev'], unknown);
    await bed.clearFaults();
  });

  test('a region or a stage where nothing is', async () => {
    const missing = refused(
      'NO_STAGE_DATABASE',
      /has no database in eu-west-1\nlambdapg provision --stage prod/,
    );
    await expectRefusal(account, ['migrate', '--stage', 'prod', '--region', 'eu-west-1'], missing);
    const status = await account.run('status', '--no-prices', '--region', 'eu-west-1');
    expect(status).toMatchObject({
      exitCode: 0,
      stderr: expect.stringContaining('nothing of stage dev exists in eu-west-1'),
    });
    for (const [args, exitCode] of [
      [['provision', '--plan', '--no-prices'], 3],
      [['destroy', '--plan'], 0],
    ] as const) {
      const [shown, json] = await Promise.all([account.run(...args), account.run(...args, '--json')]);
      expect([shown, json]).toMatchObject([{ exitCode }, { exitCode, stderr: '' }]);
      json.json();
    }
  });

  test('names that somebody else has, each of them', async () => {
    await takeNames();
    const lines = [
      ...['secret shop-dev/slot-a', 'secret shop-dev/active', 'role shop-dev-runner', 'role shop-dev-proxy'],
      ...['DB subnet group shop-dev-db', 'parameter group shop-dev-pg17', 'RDS instance shop-dev-db'],
      ...['shop-dev-runner', 'RDS Proxy shop-dev-proxy'],
    ].map((name) => `(?=[^]*${name}\\b.*exists and does not carry this project's tags)`);
    const pending = '(?=[^]*shop-dev/slot-b is pending deletion and not this project)';
    const log = '(?=[^]*log group /aws/lambda/shop-dev-runner: its function shop-dev-runner exists)';
    const all = new RegExp(`^${[...lines, pending, log].join('')}`);
    await expectRefusal(account, [...provision, '--proxy', '--runner'], refused('PLAN_REFUSED', all));
    const gone = await account.run('destroy', '--confirm', 'shop', '--json');
    expect(gone, gone.stderr).toMatchObject({ exitCode: 0 });
    expect(gone.json()).toMatchObject({ removed: [], unwanted: [] });
  });

  const make = <Output>(service: string, action: string, input: Record<string, unknown>) =>
    account.bed.aws<Output>({ service, action, input });

  async function makeVpc(CidrBlock: string): Promise<string> {
    const { Vpc } = await make<{ Vpc: { VpcId: string } }>('ec2', 'CreateVpc', { CidrBlock });
    return Vpc.VpcId;
  }

  async function makeSubnet(VpcId: string, CidrBlock: string, AvailabilityZone: string): Promise<string> {
    const input = { VpcId, CidrBlock, AvailabilityZone };
    const { Subnet } = await make<{ Subnet: { SubnetId: string } }>('ec2', 'CreateSubnet', input);
    return Subnet.SubnetId;
  }

  /** Everything that AWS knows by name, as if another team had it. */
  async function takeNames(): Promise<void> {
    const vpc = await makeVpc('10.3.0.0/16');
    const SubnetIds = [
      await makeSubnet(vpc, '10.3.0.0/24', 'us-east-1a'),
      await makeSubnet(vpc, '10.3.1.0/24', 'us-east-1b'),
    ];
    const text = 'of another team';
    await make('rds', 'CreateDBSubnetGroup', {
      ...{ DBSubnetGroupName: 'shop-dev-db', DBSubnetGroupDescription: text, SubnetIds },
    });
    await make('rds', 'CreateDBParameterGroup', {
      ...{ DBParameterGroupName: 'shop-dev-pg17', DBParameterGroupFamily: 'postgres17', Description: text },
    });
    await make('rds', 'CreateDBInstance', {
      ...{ DBInstanceIdentifier: 'shop-dev-db', Engine: 'postgres', DBInstanceClass: 'db.t4g.micro' },
      ...{ AllocatedStorage: 20, MasterUsername: 'them', MasterUserPassword: 'theirs-theirs' },
    });
    for (const name of ['slot-a', 'slot-b', 'active'])
      await make('secretsmanager', 'CreateSecret', { Name: `shop-dev/${name}`, SecretString: 'theirs' });
    // One of them is on its way out.
    await make('secretsmanager', 'DeleteSecret', { SecretId: 'shop-dev/slot-b', RecoveryWindowInDays: 7 });
    const roles: Record<string, string> = {};
    for (const name of ['runner', 'proxy']) {
      const { Role } = await make<{ Role: { Arn: string } }>('iam', 'CreateRole', {
        ...{
          RoleName: `shop-dev-${name}`,
          AssumeRolePolicyDocument: '{"Version":"2012-10-17","Statement":[]}',
        },
      });
      roles[name] = Role.Arn;
    }
    await make('lambda', 'CreateFunction', {
      ...{ FunctionName: 'shop-dev-runner', Role: roles.runner, Runtime: 'nodejs22.x', Handler: 'a.b' },
      Code: { ZipFile: emptyZip },
    });
    await make('logs', 'CreateLogGroup', { logGroupName: '/aws/lambda/shop-dev-runner' });
    await make('rds', 'CreateDBProxy', {
      ...{ DBProxyName: 'shop-dev-proxy', EngineFamily: 'POSTGRESQL', RoleArn: roles.proxy },
      ...{ Auth: [{ AuthScheme: 'SECRETS', IAMAuth: 'DISABLED' }], VpcSubnetIds: SubnetIds },
    });
  }
});

/** A zip without files, base64. */
const emptyZip = 'UEsFBgAAAAAAAAAAAAAAAAAAAAAAAA==';

describe('a stage', () => {
  test('goes on after a quota, is left alone while it is stopped, and has its secret restored', async () => {
    const cloud = await startCloudBed();
    const { bed, run } = cloud;
    const quota = 'Cannot create more than 40 DB instances';
    await bed.fault({
      ...{ service: 'rds', action: 'CreateDBInstance', kind: 'error', count: 1, status: 400 },
      ...{ code: 'InstanceQuotaExceeded', message: quota },
    });
    const reached = await run(...provision, '--json');
    expect(reached).toMatchObject({ exitCode: 1, stderr: '' });
    expect(reached.json()).toMatchObject({
      error: {
        code: 'QUOTA_REACHED',
        message: `RDS instance shop-dev-db (PostgreSQL 17, db.t4g.micro): a quota of the account is reached: ${quota}`,
        suggestions: [expect.stringContaining('servicequotas'), expect.stringContaining('goes on')],
      },
    });
    const made = await cloud.changes();
    await bed.clearRequests();
    expect(await run(...provision)).toMatchObject({ exitCode: 0 });
    expect(made).toContain('ec2:CreateVpc');
    expect(await cloud.changes()).not.toContain('ec2:CreateVpc');

    const database = { DBInstanceIdentifier: 'shop-dev-db' };
    await bed.aws({ service: 'rds', action: 'StopDBInstance', input: database });
    await expectRefusal(
      cloud,
      provision,
      refused('PLAN_REFUSED', /shop-dev-db .*status is stopped.*start-db-instance/),
    );
    await bed.aws({ service: 'rds', action: 'StartDBInstance', input: database });

    const input = { SecretId: 'shop-dev/active', RecoveryWindowInDays: 7 };
    await bed.aws({ service: 'secretsmanager', action: 'DeleteSecret', input });
    await bed.clearRequests();
    const restored = await run(...provision, '--json');
    expect(restored, restored.stderr).toMatchObject({ exitCode: 0 });
    expect(restored.json()).toMatchObject({ updated: ['secret-active'] });
    expect(await cloud.changes()).toEqual(['secretsmanager:RestoreSecret']);

    // The login holds every character that a URL keeps for itself.
    const server = cloud.plane.databases.find('instance', 'shop-dev-db')?.server;
    const [user, password] = ["o'neil@shop", 'p@ss/w?o#r:d%&=+ "\\'];
    await server?.asAdmin((client) => client.query(`CREATE ROLE "${user}" LOGIN`));
    await server?.setPassword(user, new Secret(password));
    const { outputs } = (await run('status', '--no-prices', '--json')).json() as {
      outputs: Record<string, string>;
    };
    const { databaseHost: host } = outputs;
    const url = `postgres://${encodeURIComponent(user)}:${encodeURIComponent(password)}@${host}/shop?sslrootcert=${cloud.plane.caFile}`;
    const psql = ['psql', '--csv', '-c', 'SELECT current_user'];
    const mapped = { cwd: cloud.dir, env: { ...cloud.env, LAMBDAPG_DATABASE_URL: url } };
    const uninvited = await runCli(psql, mapped);
    expect(uninvited).toMatchObject({
      exitCode: 1,
      stderr: expect.stringMatching(/may not use this database \(o'neil@shop@.*GRANT CONNECT/s),
    });
    await server?.asAdmin((client) => client.query(`GRANT CONNECT ON DATABASE shop TO "${user}"`));
    const asked = await runCli(psql, mapped);
    expect(asked, asked.stderr).toMatchObject({ exitCode: 0, stdout: `current_user\n${user}` });
    for (const command of [['psql', '-c', 'SELECT 1'], ['migrate']]) {
      const bad = usage('BAD_DATABASE_URL', /must be percent-encoded/);
      await expectRefusal(cloud, [...command, '--database-url', `postgres://app:p/a@${host}/shop`], bad);
    }
  });
});
