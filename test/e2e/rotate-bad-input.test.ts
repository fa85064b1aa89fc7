import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest';
import { emptyZip, trustLambda } from '../bed/differs.ts';
import { built, plainEnvironment } from './cli.ts';
import { isChange, nameOf, openCloudBed } from './cloud-bed.ts';
import { changeConfig, shortTimes } from './rotation-bed.ts';

// Each runs the command line several times.
vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 });

const secret = 'shop-dev/active';
let cloud: Awaited<ReturnType<typeof openCloudBed>>;

/** One stage for all: whatever a test changes, it puts back. */
beforeAll(async () => {
  cloud = await openCloudBed();
  const made = await cloud.run('provision', '--yes', '--no-prices', '--json');
  expect(made.exitCode, made.stdout).toBe(0);
});
afterAll(() => cloud.stop());

const store = <Output = Record<string, unknown>>(action: string, input: Record<string, unknown> = {}) =>
  cloud.bed.aws<Output>({ service: 'secretsmanager', action, input: { SecretId: secret, ...input } });

interface Described {
  readonly VersionIdsToStages: Record<string, string[]>;
}

const labels = async () => (await store<Described>('DescribeSecret')).VersionIdsToStages;

interface Login {
  readonly username: string;
  readonly password: string;
}

const readLogin = async () =>
  JSON.parse((await store<{ SecretString: string }>('GetSecretValue')).SecretString) as Login;

/** The secret holds that value meanwhile. */
async function withValue(value: object, work: () => Promise<unknown>): Promise<void> {
  const before = JSON.stringify(await readLogin());
  await store('PutSecretValue', { SecretString: JSON.stringify(value) });
  try {
    await work();
  } finally {
    // Twice: AWSPREVIOUS is read too.
    for (let turn = 1; turn <= 2; turn += 1) await store('PutSecretValue', { SecretString: before });
  }
}

const asSuperuser = async (sql: string): Promise<unknown[]> => {
  const server = cloud.plane.databases.find('instance', 'shop-dev-db')?.server;
  const result = await server?.asAdmin((client) => client.query(sql), 'shop');
  return result?.rows ?? [];
};

const passwords = () =>
  asSuperuser(`SELECT rolname, rolpassword FROM pg_authid WHERE rolname LIKE 'shop%' ORDER BY rolname`);

interface Refusal {
  readonly exit: number;
  readonly code: string;
  /** Message and suggestions, one a line. */
  readonly says: RegExp;
}

const refused = (code: string, says: RegExp): Refusal => ({ exit: 1, code, says });
const usage = (code: string, says: RegExp): Refusal => ({ exit: 2, code, says });

interface Output {
  readonly outcome?: string;
  readonly error?: { code: string; message: string; suggestions: string[]; exit: number };
  readonly stopped?: { code: string; why: string; suggestions: string[] };
}

/**
 * The same refusal for people and for programs: an error, or a report of nothing done. Labels and passwords stay as they were.
 *
 * @returns the calls that it took
 */
async function expectRefusal(args: readonly string[], { exit, code, says }: Refusal): Promise<string[]> {
  const { bed, run } = cloud;
  const before = [await labels(), await passwords()];
  await bed.clearRequests();
  const command = ['rotate-creds', ...args];
  const running = run(...command, '--json');
  // A stage has one lease: two that come so far at once would be another refusal.
  if (/^(CONSUMER|WINDOW)_/.test(code)) await running;
  const [json, shown] = await Promise.all([running, run(...command)]);
  const { error, stopped } = json.json() as Output;
  const [message, suggestions] = [
    error?.message ?? stopped?.why ?? '',
    (error ?? stopped)?.suggestions ?? [],
  ];
  const said = [message, ...suggestions].join('\n');
  expect({ exit: json.exitCode, code: (error ?? stopped)?.code, said, stderr: json.stderr }, said).toEqual({
    ...{ exit, code, stderr: '' },
    said: expect.stringMatching(says),
  });
  expect(shown.exitCode, shown.stderr).toBe(exit);
  const text = comparable(error === undefined ? shown.stdout : shown.stderr);
  for (const part of [message, ...suggestions]) expect(text).toContain(comparable(part));
  const requests = await bed.requests();
  expect(requests.filter((one) => isChange(one)).map(nameOf)).toEqual([]);
  expect([await labels(), await passwords()]).toEqual(before);
  return requests.map(nameOf);
}

/** Two runs count the connections of two moments. */
const comparable = (text: string): string => text.replace(/\d+ at the present load/, 'N at the present load');

describe('flags', () => {
  test.each<readonly [string, readonly string[], Refusal]>([
    ['shares that fall', ['--canary', '50,5'], usage('BAD_CANARY', /--canary 50,5 .*\n--canary 5,50,100/)],
    ['a time in words', ['--drain', 'soon'], usage('BAD_DURATION', /--drain soon .*\n--drain 90s, 5m/)],
    [
      'there and back',
      ['--resume', '--rollback'],
      usage('USAGE', /--resume.*--rollback|--rollback.*--resume/),
    ],
    ['a strategy that is none', ['--strategy', 'hope'], usage('USAGE', /hope.*slots, next, single, managed/)],
  ])('%s, before AWS is asked', async (_title, flags, refusal) => {
    expect(await expectRefusal(['--yes', ...flags], refusal)).toEqual([]);
  });

  test('one role and one password, and nobody has accepted that', () =>
    expectRefusal(
      ['--yes', '--strategy', 'single'],
      usage('WINDOW_NOT_ACCEPTED', /logins fail.*\n.*slots or next\n.*--accept-window/),
    ));

  test('nobody is there to say yes', () =>
    expectRefusal([], usage('NOT_APPROVED', /nobody is here.*\n--yes approves/)));

  test('nothing but tokens', async () => {
    await changeConfig(cloud, (config) => {
      config.cloud = { ...config.cloud, auth: 'iam' };
    });
    const calls = await expectRefusal(
      ['--yes'],
      refused('NOTHING_TO_ROTATE', /stage dev of shop logs in by IAM.*\n.*15 minutes/),
    );
    expect(calls.filter((call) => call.startsWith('secretsmanager'))).toEqual([]);
    await changeConfig(cloud, ({ cloud: part }) => void delete part?.auth);
  });
});

describe('the secret', () => {
  test.each([
    ['username', { user: 'shop_a', password: 'x' }],
    ['password', { username: 'shop_a' }],
  ])('has no %s', (_key, value) =>
    withValue(value, () =>
      expectRefusal(
        ['--yes'],
        refused('BAD_SECRET', /^secret shop-dev\/active is no JSON with username and password\n\{"username/),
      ),
    ),
  );

  test('names another host than the database', async () =>
    withValue({ ...(await readLogin()), host: 'other.example' }, () =>
      expectRefusal(
        ['--yes'],
        refused('SECRET_OTHER_HOST', /"other\.example".*\nits names: shop-dev-db\..*\ncorrect the host/),
      ),
    ));

  test('is to be deleted', async () => {
    await store('DeleteSecret', { RecoveryWindowInDays: 7 });
    onTestFinished(async () => void (await store('RestoreSecret')));
    await expectRefusal(['--yes'], refused('SECRET_DELETED', /is to be deleted.*\n.*restore-secret/));
  });

  test.each<readonly [string, Record<string, unknown>, Refusal]>([
    ['belongs to a service', { OwningService: 'rds' }, refused('SECRET_OWNED', /to rds.*\n.*managed/)],
    [
      'is rotated on a schedule by somebody else',
      {
        RotationEnabled: true,
        RotationLambdaARN: 'arn:aws:lambda:us-east-1:123456789012:function:theirs',
      },
      refused('SECRET_ROTATES_ITSELF', /function:theirs on a schedule.*\n.*cancel-rotate-secret.*\n.*--emit/),
    ],
  ])('%s', async (_title, more, refusal) => {
    const undo = await cloud.bed.hook({ after: ['secretsmanager:DescribeSecret'] }, ({ output }) => ({
      output: { ...output, ...more },
    }));
    onTestFinished(undo);
    await expectRefusal(['--yes'], refusal);
  });

  test('holds a pending login of somebody else: how to take it back', async () => {
    const { VersionId } = await store<{ VersionId: string }>('PutSecretValue', {
      SecretString: JSON.stringify({ username: 'shop_a_clone', password: 'y' }),
      VersionStages: ['AWSPENDING'],
    });
    const label = { VersionStage: 'AWSPENDING', RemoveFromVersionId: VersionId };
    onTestFinished(async () => void (await store('UpdateSecretVersionStage', label)));
    const says = new RegExp(`"shop_a_clone".*\n.*\n.*--remove-from-version-id ${VersionId}`);
    await expectRefusal(['--yes'], refused('FOREIGN_PENDING', says));
  });
});

describe('the roles', () => {
  test('one login and no slots, its name with a quote', async () => {
    await asSuperuser('ALTER ROLE shop_b RENAME TO shop_gone');
    onTestFinished(async () => void (await asSuperuser('ALTER ROLE shop_gone RENAME TO shop_b')));
    await withValue({ username: 'o"neil', password: 'x' }, () =>
      expectRefusal(
        ['--yes'],
        refused(
          'SINGLE_ROLE',
          /"o"neil" is the only login.*shop_a and shop_b.*\n.*--adopt .*\n--strategy next/,
        ),
      ),
    );
  });

  test('one login and no slots: --resume needs not be told the strategy', async () => {
    const rename = (names: readonly (readonly [string, string])[]) =>
      asSuperuser(names.map(([from, to]) => `ALTER ROLE ${from} RENAME TO ${to}`).join(';'));
    const value = await readLogin();
    const other = value.username === 'shop_a' ? 'shop_b' : 'shop_a';
    await rename([
      [value.username, 'shop_only'],
      [other, 'shop_gone'],
    ]);
    onTestFinished(async () => {
      await rename([
        ['shop_only', value.username],
        ['shop_gone', other],
      ]);
    });
    await withValue({ ...value, username: 'shop_only' }, async () => {
      await expectRefusal(['--yes'], refused('SINGLE_ROLE', /"shop_only" is the only login/));
      await expectRefusal(['--resume', '--strategy', 'slots'], refused('SINGLE_ROLE', /--strategy next/));
      const resumed = await cloud.run('rotate-creds', '--resume', '--json');
      expect(resumed, resumed.stdout).toMatchObject({ exitCode: 0 });
      expect(resumed.json()).toMatchObject({ outcome: 'closed', strategy: 'next', effects: [] });
    });
  });

  test('an admin without ADMIN OPTION: the GRANT that is printed lets it go on', async () => {
    const [{ admin = '' } = {}] = (await asSuperuser(
      `SELECT member::regrole::text AS admin FROM pg_auth_members WHERE roleid = 'shop_b'::regrole AND admin_option`,
    )) as { admin?: string }[];
    await asSuperuser(`REVOKE ADMIN OPTION FOR shop_b FROM ${admin} CASCADE`);
    const grant = `GRANT "shop_b" TO "${admin}" WITH ADMIN OPTION`;
    await expectRefusal(
      ['--yes'],
      refused('ROLE_FORBIDDEN', new RegExp(`"${admin}" may not .*"shop_b"\n.*${grant}`)),
    );
    await asSuperuser(grant);
    expect(await cloud.run('rotate-creds', '--plan')).toMatchObject({ exitCode: 3 });
  });
});

describe('a consumer', () => {
  const list = (consumers: readonly object[]) =>
    changeConfig(cloud, (config) => {
      config.cloud = { ...config.cloud, rotation: { consumers } };
    });

  beforeAll(async () => {
    const { username, password } = await readLogin();
    const { Role } = await cloud.bed.aws<{ Role: { Arn: string } }>({
      ...{ service: 'iam', action: 'CreateRole' },
      input: { RoleName: 'orders', AssumeRolePolicyDocument: JSON.stringify(trustLambda) },
    });
    await cloud.bed.aws({
      ...{ service: 'lambda', action: 'CreateFunction' },
      input: {
        ...{ FunctionName: 'orders', Role: Role.Arn, Runtime: 'nodejs24.x', Handler: 'index.handler' },
        Environment: { Variables: { PGUSER: username, PGPASSWORD: password } },
        Code: { ZipFile: emptyZip },
      },
    });
  });
  afterAll(() => list([]));

  test('in state Failed', async () => {
    await list([{ function: 'orders', credentials: 'environment' }]);
    const hooked = { after: ['lambda:GetFunctionConfiguration'] };
    const undo = await cloud.bed.hook(hooked, ({ output }) => ({
      output: {
        ...output,
        State: 'Failed',
        StateReason: 'the image is gone',
        StateReasonCode: 'InvalidImage',
      },
    }));
    onTestFinished(undo);
    const says = /function orders.* state Failed: the image is gone.*\n.*--resume/;
    await expectRefusal(['--yes'], refused('CONSUMER_FAILED', says));
  });

  test.each(['module', 'environment'])('that is not there (%s)', async (credentials) => {
    await list([{ function: 'nobody', alias: 'live', credentials }]);
    await expectRefusal(
      ['--yes'],
      refused('CONSUMER_UNREACHABLE', /there is no function nobody.*\n.*cloud\.rotation\.consumers/),
    );
  });

  test('that the caller may not look at', async () => {
    await list([{ function: 'orders', credentials: 'environment' }]);
    await cloud.bed.fault({ action: 'GetFunctionConfiguration', kind: 'access-denied', count: -1 });
    onTestFinished(() => cloud.bed.clearFaults());
    await expectRefusal(
      ['--yes'],
      refused('CONSUMER_UNREACHABLE', /function orders.*GetFunctionConfiguration.*\n.*access/),
    );
  });

  test('whose old and new environments have no room beside each other', async () => {
    await list([{ function: 'orders', credentials: 'environment', concurrency: 30 }]);
    await changeConfig(cloud, ({ functions }) => {
      for (const own of Object.values(functions)) Object.assign(own, { reservedConcurrency: 1 });
    });
    const says =
      /no room .* \d+ connections may be needed.*\d+ without.*\d+ are available\n(.*\n)*.*--accept-headroom/;
    await expectRefusal(['--yes'], refused('NO_HEADROOM', says));
    const accepted = await cloud.run('rotate-creds', '--plan', '--accept-headroom', '--json');
    expect(accepted, accepted.stdout).toMatchObject({ exitCode: 3 });
  });
});

test('a second rotation is told who rotates; Ctrl-C stops the first, and --resume closes it', async () => {
  const first = spawn(process.execPath, [built, 'rotate-creds', '--yes', '--drain', '1h'], {
    ...{ cwd: cloud.dir, stdio: 'ignore', env: { ...plainEnvironment(), ...cloud.env } },
  });
  const ended = once(first, 'exit');
  while ((await readLogin()).username !== 'shop_b') await pause(100);
  const second = await cloud.run('rotate-creds', '--yes', '--json');
  expect(second, second.stdout).toMatchObject({ exitCode: 75, stderr: '' });
  expect((second.json() as Output).error).toMatchObject({
    code: 'ROTATION_IN_PROGRESS',
    message: expect.stringMatching(
      new RegExp(`on .* \\(process ${first.pid}\\) is rotating shop-dev since `),
    ),
    suggestions: [expect.stringMatching(/its lease ends in \d+ s/), expect.stringContaining('--resume')],
  });
  first.kill('SIGINT');
  expect(await ended).toEqual([130, null]);
  const resumed = await cloud.run('rotate-creds', '--resume', ...shortTimes, '--json');
  expect(resumed, resumed.stdout).toMatchObject({ exitCode: 0 });
  expect(resumed.json()).toMatchObject({ outcome: 'closed', currentUser: 'shop_b' });
});
