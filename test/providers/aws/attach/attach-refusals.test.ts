import { CreateSubnetCommand, CreateVpcCommand } from '@aws-sdk/client-ec2';
import { TagResourceCommand } from '@aws-sdk/client-lambda';
import { StartDBInstanceCommand, StopDBInstanceCommand } from '@aws-sdk/client-rds';
import { CreateSecretCommand, DeleteSecretCommand } from '@aws-sdk/client-secrets-manager';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { verifyInternet } from '../../../../src/providers/aws/attach/plan-attach.ts';
import { type AttachBed, startAttachBed } from './attach-bed.ts';

// Many calls and processes: a busy computer takes its time.
vi.setConfig({ testTimeout: 120_000 });

let at: AttachBed;

beforeAll(async () => {
  at = await startAttachBed();
  await at.makeFunction('fn');
});

afterAll(() => at.stop());

const tag = (name: string, Tags: Record<string, string>) =>
  at.lambda.send(
    new TagResourceCommand({
      Resource: `arn:aws:lambda:us-east-1:${at.bed.account}:function:${name}`,
      Tags,
    }),
  );

const makeSecret = (Name: string, SecretString: string) =>
  at.secrets.send(new CreateSecretCommand({ Name, SecretString }));

describe('nothing is planned', () => {
  test('for a function, database or secret that is not there, or not fit', async () => {
    await makeSecret('bad/login', 'plain-text-of-a-secret');
    await makeSecret('bad/json', '{"user": "app"}');
    const { ARN = '' } = await makeSecret('gone/login', '{}');
    await at.secrets.send(new DeleteSecretCommand({ SecretId: ARN }));
    const cases: readonly (readonly [string, string, Parameters<AttachBed['plan']>[1]])[] = [
      ['FUNCTION_NOT_FOUND', 'absent', {}],
      ['NO_FUNCTION', '', {}],
      ['NO_SUCH_TAG', '', { functions: { tag: 'team=nobody' } }],
      ['BAD_TAG', '', { functions: { tag: 'team' } }],
      ['NO_SUCH_DATABASE', 'fn', { to: 'absent' }],
      ['NO_SUCH_DATABASE', 'fn', { to: 'cluster:orders' }],
      ['NO_TARGET', 'fn', { to: undefined }],
      ['NO_LOGIN_CHOSEN', 'fn', { secret: undefined }],
      ['NO_SUCH_SECRET', 'fn', { secret: 'absent' }],
      ['SECRET_DELETED', 'fn', { secret: 'gone/login' }],
      ['BAD_SECRET', 'fn', { secret: 'bad/login' }],
      ['BAD_SECRET', 'fn', { secret: 'bad/json' }],
      [
        'FOREIGN_SECRET',
        'fn',
        { secret: 'arn:aws:secretsmanager:us-east-1:999999999999:secret:theirs-AbCdEf' },
      ],
      ['NO_TLS', 'fn', { databaseUrl: 'postgres://app:x@db.example.com/shop?sslmode=disable' }],
      ['BAD_DATABASE_URL', 'fn', { databaseUrl: 'postgres://app:a/b@db.example.com/shop' }],
    ];
    for (const [code, names, choice] of cases) {
      const error = await at.plan(names, choice).catch((thrown: unknown) => thrown);
      expect(error, `${code} ${JSON.stringify(choice)}`).toMatchObject({ code });
      expect(String(error)).not.toContain('plain-text-of-a-secret');
    }
  });

  test('for a database that is stopped', async () => {
    await at.rds.send(new StopDBInstanceCommand({ DBInstanceIdentifier: 'orders' }));
    await expect(at.plan('fn')).rejects.toMatchObject({
      code: 'DATABASE_STATUS',
      suggestions: ['aws rds start-db-instance --db-instance-identifier orders'],
    });
    await at.rds.send(new StartDBInstanceCommand({ DBInstanceIdentifier: 'orders' }));
  });

  test('for a function in another VPC, of a stage, of another attachment, or with an environment unseen', async () => {
    const { Vpc } = await at.ec2.send(new CreateVpcCommand({ CidrBlock: '10.8.0.0/24' }));
    const { Subnet } = await at.ec2.send(
      new CreateSubnetCommand({ VpcId: Vpc?.VpcId, CidrBlock: '10.8.0.0/25' }),
    );
    const group = await at.makeGroup('far', Vpc?.VpcId);
    const VpcConfig = { SubnetIds: [Subnet?.SubnetId], SecurityGroupIds: [group] };
    await at.makeFunction('far', { VpcConfig });
    await expect(at.plan('far')).rejects.toMatchObject({ code: 'NO_PATH' });

    await at.makeFunction('ours');
    await tag('ours', { 'lambdapg:project': 'shop', 'lambdapg:stage': 'dev' });
    await expect(at.plan('ours')).rejects.toMatchObject({ code: 'OWN_FUNCTION' });

    await at.makeFunction('taken');
    await tag('taken', {
      'lambdapg:attached-to': 'proxy:other',
      'lambdapg:attach-before': 'vpc=none env=PGHOST',
    });
    await expect(at.plan('taken')).rejects.toMatchObject({ code: 'ATTACHED_ALREADY' });
    await tag('taken', { 'lambdapg:attach-before': 'edited' });
    await expect(at.plan('taken')).rejects.toMatchObject({ code: 'BAD_ATTACH_RECORD' });
    await expect(at.detach('taken')).rejects.toMatchObject({ code: 'BAD_ATTACH_RECORD' });

    const unhook = await at.bed.hook({ after: ['lambda:GetFunction'] }, ({ output = {} }) => {
      const Environment = { Error: { ErrorCode: 'AccessDeniedException', Message: 'no kms:Decrypt' } };
      return { output: { ...output, Configuration: { ...(output.Configuration as object), Environment } } };
    });
    await expect(at.plan('fn')).rejects.toMatchObject({ code: 'ENVIRONMENT_HIDDEN' });
    await unhook();
  });

  test('several reasons are told at once', async () => {
    const both = at.plan('far,ours');
    await expect(both).rejects.toThrow(/far is in vpc-[\s\S]*ours is a function of shop-dev/);
  });

  test('over a security group or secret of that name that is not ours', async () => {
    await at.makeFunction('named');
    await at.makeGroup('lambdapg-attach-named');
    await makeSecret('lambdapg-attach/named', '{}');
    const databaseUrl = `postgres://app:x@${at.host}/shop`;
    const refused = at.plan('named', { databaseUrl });
    await expect(refused).rejects.toMatchObject({ code: 'PLAN_REFUSED' });
    await expect(refused).rejects.toThrow(
      /security group lambdapg-attach-named[\s\S]*|secret lambdapg-attach\/named/,
    );
  });

  test('that takes the internet away, without a yes', async () => {
    const { shown } = await at.plan('fn');
    expect(() => verifyInternet(shown, false)).toThrow(/fn will lose the internet/);
    expect(() => verifyInternet(shown, true)).not.toThrow();
  });
});

describe('what an engine owns is left alone, and printed', () => {
  test('a function of CloudFormation or Terraform', async () => {
    await at.makeFunction('stacked');
    await tag('stacked', { 'aws:cloudformation:stack-name': 'billing' });
    const before = await at.snapshot('stacked');
    const planned = await at.plan('stacked');
    expect(planned.shown.plan.changes).toBe(0);
    expect(planned.shown.patches).toMatchObject([
      {
        resource: 'function stacked',
        owner: { engine: 'cloudformation', name: 'billing' },
        text: expect.stringContaining(`PGHOST: "${at.host}"`),
      },
      ...planned.shown.patches.slice(1),
    ]);
    const done = await at.attach('stacked');
    expect(done.proofs).toMatchObject([{ verdict: 'unproved' }]);
    expect(await at.snapshot('stacked')).toEqual(before);

    await at.makeFunction('planted');
    await tag('planted', { ManagedBy: 'terraform' });
    const { shown } = await at.plan('planted');
    expect(shown.patches[0]).toMatchObject({
      owner: { engine: 'terraform' },
      text: expect.stringMatching(/vpc_config \{[\s\S]*PGDATABASE = "shop"/),
    });
  });

  test("a database's security group: everything else is done, the rule is printed", async () => {
    const { CreateTagsCommand, AuthorizeSecurityGroupIngressCommand } = await import('@aws-sdk/client-ec2');
    await at.ec2.send(
      new CreateTagsCommand({
        Resources: [at.databaseGroup],
        Tags: [{ Key: 'managed-by', Value: 'Terraform' }],
      }),
    );
    await at.makeFunction('halfway');
    const before = await at.snapshot('halfway');
    expect((await at.attach('halfway')).proofs).toMatchObject([{ verdict: 'unproved' }]);
    const { shown } = await at.plan('halfway');
    expect(shown.patches).toMatchObject([
      {
        resource: `security group ${at.databaseGroup}`,
        text: expect.stringContaining('"lambdapg:attach:halfway"'),
      },
    ]);
    const peer = /referenced_security_group_id = "(sg-\w+)"/.exec(shown.patches[0]?.text ?? '')?.[1];
    const rule = { IpProtocol: 'tcp', FromPort: 5432, ToPort: 5432, UserIdGroupPairs: [{ GroupId: peer }] };
    await at.ec2.send(
      new AuthorizeSecurityGroupIngressCommand({ GroupId: at.databaseGroup, IpPermissions: [rule] }),
    );
    expect((await at.attach('halfway')).proofs).toMatchObject([{ verdict: 'proved' }]);
    const { RevokeSecurityGroupIngressCommand, DeleteTagsCommand } = await import('@aws-sdk/client-ec2');
    await at.ec2.send(
      new RevokeSecurityGroupIngressCommand({ GroupId: at.databaseGroup, IpPermissions: [rule] }),
    );
    await at.detach('halfway');
    expect(await at.snapshot('halfway')).toEqual(before);
    await at.ec2.send(
      new DeleteTagsCommand({ Resources: [at.databaseGroup], Tags: [{ Key: 'managed-by' }] }),
    );
  });
});

describe('the proof', () => {
  test('says what failed, and leaves nothing of itself', async () => {
    await at.makeFunction('wrong');
    const before = await at.snapshot('wrong');
    await makeSecret('wrong/login', '{"username": "app", "password": "not-it"}');
    const failed = at.attach('wrong', { secret: 'wrong/login' });
    await expect(failed).rejects.toMatchObject({ code: 'PROOF_FAILED' });
    await expect(failed).rejects.toThrow(
      /wrong does not reach its database: login failed \(credentials, dns, tcp, tls/,
    );
    await at.detach('wrong');
    expect(await at.snapshot('wrong')).toEqual(before);
  });

  test('is a warning where the caller may make no function', async () => {
    await at.makeFunction('unproved');
    await at.bed.fault({
      service: 'lambda',
      action: 'CreateFunction',
      kind: 'access-denied',
      count: 1,
      match: { FunctionName: 'lambdapg-probe-unproved' },
    });
    const done = await at.attach('unproved');
    expect(done.proofs).toMatchObject([
      { verdict: 'unproved', why: expect.stringMatching(/may not have a function made/) },
    ]);
    expect(await at.invoke('unproved')).toMatchObject({ who: 'app' });
    await at.detach('unproved');
  });
});
