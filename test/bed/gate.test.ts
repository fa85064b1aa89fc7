import { CreateSecurityGroupCommand, DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import {
  GetFunctionCommand,
  InvokeCommand,
  LambdaClient,
  ListFunctionsCommand,
} from '@aws-sdk/client-lambda';
import { DescribeDBInstancesCommand, RDSClient } from '@aws-sdk/client-rds';
import { GetSecretValueCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { GetCallerIdentityCommand, STSClient } from '@aws-sdk/client-sts';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Bed, startBed } from './bed.ts';
import { awsOf, makeFunction } from './differs.ts';
import { clientOptions, errorOf } from './sdk.ts';

let bed: Bed;
beforeEach(async () => {
  bed = await startBed();
});
afterEach(() => bed.stop());

describe('the gate', () => {
  test('takes the account from the access key', async () => {
    const identity = await new STSClient(clientOptions(bed)).send(new GetCallerIdentityCommand({}));
    expect(identity.Account).toBe(bed.account);
  });

  test('separates accounts', async () => {
    const other = await startBed();
    const create = new CreateSecurityGroupCommand({ GroupName: 'one', Description: 'one' });
    await new EC2Client(clientOptions(bed)).send(create);
    await new EC2Client(clientOptions(other)).send(create);
    const log = await bed.requests();
    expect(log).toMatchObject([
      { service: 'ec2', action: 'CreateSecurityGroup', status: 200, input: { GroupName: 'one' } },
    ]);
    await other.stop();
  });

  test('answers errors in the wire format of four protocols', async () => {
    expect(
      await errorOf(
        new SecretsManagerClient(clientOptions(bed)).send(new GetSecretValueCommand({ SecretId: 'x' })),
      ),
    ).toMatchObject({ name: 'ResourceNotFoundException' });
    expect(
      await errorOf(
        new RDSClient(clientOptions(bed)).send(new DescribeDBInstancesCommand({ DBInstanceIdentifier: 'x' })),
      ),
    ).toMatchObject({ name: 'DBInstanceNotFoundFault' });
    expect(
      await errorOf(new LambdaClient(clientOptions(bed)).send(new GetFunctionCommand({ FunctionName: 'x' }))),
    ).toMatchObject({ name: 'ResourceNotFoundException' });
    expect(
      await errorOf(
        new EC2Client(clientOptions(bed)).send(
          new DescribeVpcsCommand({ VpcIds: ['vpc-0000000000000000a'] }),
        ),
      ),
    ).toMatchObject({ name: 'InvalidVpcID.NotFound' });
  });
});

const calls = {
  ec2: {
    action: 'DescribeVpcs',
    send: () => new EC2Client(clientOptions(bed)).send(new DescribeVpcsCommand({})),
    throttling: 'RequestLimitExceeded',
    denied: 'UnauthorizedOperation',
    expired: 'RequestExpired',
  },
  rds: {
    action: 'DescribeDBInstances',
    send: () => new RDSClient(clientOptions(bed)).send(new DescribeDBInstancesCommand({})),
    throttling: 'Throttling',
    denied: 'AccessDenied',
    expired: 'ExpiredToken',
  },
  lambda: {
    action: 'ListFunctions',
    send: () => new LambdaClient(clientOptions(bed)).send(new ListFunctionsCommand({})),
    throttling: 'TooManyRequestsException',
    denied: 'AccessDeniedException',
    expired: 'ExpiredTokenException',
  },
  secretsmanager: {
    action: 'GetSecretValue',
    send: () =>
      new SecretsManagerClient(clientOptions(bed)).send(new GetSecretValueCommand({ SecretId: 'x' })),
    throttling: 'ThrottlingException',
    denied: 'AccessDeniedException',
    expired: 'ExpiredTokenException',
  },
};

describe.each(Object.entries(calls))(
  'faults of %s',
  (service, { action, send, throttling, denied, expired }) => {
    test('throttling is retried by the SDK and told when it lasts', async () => {
      await bed.fault({ service, action, kind: 'throttling', count: 3 });
      expect(await errorOf(send())).toMatchObject({ name: throttling, $metadata: { attempts: 3 } });
    });

    test('access denied, expired credentials, an error of choice', async () => {
      await bed.fault({ service, kind: 'access-denied' });
      expect(await errorOf(send())).toMatchObject({
        name: denied,
        message: expect.stringContaining(`${service}:${action}`),
      });
      await bed.fault({ service, kind: 'expired' });
      expect(await errorOf(send())).toMatchObject({ name: expired });
      await bed.fault({ service, kind: 'error', code: 'MadeUp', message: 'of choice', status: 418 });
      expect(await errorOf(send())).toMatchObject({
        name: 'MadeUp',
        message: 'of choice',
        $metadata: { httpStatusCode: 418 },
      });
    });

    test('a dropped socket is seen as such', async () => {
      await bed.fault({ service, kind: 'drop-before', count: 3 });
      expect(await errorOf(send())).toMatchObject({ code: 'ECONNRESET' });
      expect((await bed.requests()).map((one) => one.status)).toEqual([0, 0, 0]);
    });
  },
);

describe('faults after the effect', () => {
  test('the effect stays when the answer is lost', async () => {
    const ec2 = new EC2Client(clientOptions(bed));
    await bed.fault({ action: 'CreateSecurityGroup', kind: 'drop-after' });
    const error = await errorOf(
      ec2.send(new CreateSecurityGroupCommand({ GroupName: 'one', Description: 'one' })),
    );
    expect(error).toMatchObject({ name: 'InvalidGroup.Duplicate' });
    expect((await bed.requests()).map((one) => one.status)).toEqual([0, 400]);
  });
});

describe('hooks', () => {
  test('answer instead of moto, with bytes as base64', async () => {
    await makeFunction(awsOf(bed, false));
    await bed.hook({ instead: ['lambda:Invoke'] }, (call) => ({
      output: {
        StatusCode: 200,
        Payload: call.input.Payload as string,
        FunctionError: 'Unhandled',
        LogResult: 'bG9n',
      },
    }));
    const answer = await new LambdaClient(clientOptions(bed)).send(
      new InvokeCommand({ FunctionName: 'f', Payload: Buffer.from('{"é":1}') }),
    );
    expect(Buffer.from(answer.Payload!).toString()).toBe('{"é":1}');
    expect(answer).toMatchObject({ FunctionError: 'Unhandled', LogResult: 'bG9n', StatusCode: 200 });
  });

  test('see an answer after the effect and may fail it', async () => {
    await bed.hook({ after: ['rds:DescribeDBInstances'] }, (call) => {
      expect(call.output).toEqual({ DBInstances: [] });
      return { error: { code: 'DBInstanceNotFound', message: 'hooked', status: 404 } };
    });
    expect(
      await errorOf(new RDSClient(clientOptions(bed)).send(new DescribeDBInstancesCommand({}))),
    ).toMatchObject({ message: 'hooked' });
  });
});

describe('requests against the models', () => {
  test('are refused and recorded', async () => {
    const lambda = new LambdaClient(clientOptions(bed));
    expect(await errorOf(lambda.send(new InvokeCommand({ FunctionName: 'a b' })))).toMatchObject({
      name: 'ValidationException',
    });
    const ec2 = new EC2Client(clientOptions(bed));
    const incomplete = new CreateSecurityGroupCommand({ GroupName: 'x' } as never);
    expect(await errorOf(ec2.send(incomplete))).toMatchObject({ name: 'MissingParameter' });
    expect(await bed.violations()).toMatchObject([
      { where: 'request', service: 'lambda', action: 'Invoke' },
      { where: 'request', service: 'ec2', action: 'CreateSecurityGroup' },
    ]);
    await bed.clearViolations();
  });

  test('fail the test that forgets to look', async () => {
    const other = await startBed();
    await errorOf(new LambdaClient(clientOptions(other)).send(new InvokeCommand({ FunctionName: 'a b' })));
    await expect(other.stop()).rejects.toThrow(/against AWS's models/);
  });
});
