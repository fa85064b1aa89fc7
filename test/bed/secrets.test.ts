import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';
import type { Bed } from './bed.ts';
import { type Aws, at, differs, makeFunction, text } from './differs.ts';

describe('Secrets Manager', () => {
  const make = (aws: Aws) => aws('secretsmanager', 'CreateSecret', { Name: 's', SecretString: 'v1' });
  const get = async (aws: Aws) =>
    (await aws('secretsmanager', 'GetSecretValue', { SecretId: 's' })).SecretString;
  const move = async (aws: Aws, to: unknown, from: unknown) =>
    aws('secretsmanager', 'UpdateSecretVersionStage', {
      SecretId: 's',
      VersionStage: 'AWSCURRENT',
      MoveToVersionId: to,
      RemoveFromVersionId: from,
    });
  const shift = async (aws: Aws) => {
    const first = await make(aws);
    const input = { SecretId: 's', SecretString: 'v2', VersionStages: ['AWSPENDING'] };
    const second = await aws('secretsmanager', 'PutSecretValue', input);
    await move(aws, second.VersionId, first.VersionId);
    return [first.VersionId, second.VersionId];
  };

  differs(
    'secret-current-version',
    'is the one with the label, also after a move',
    async (aws) => {
      await shift(aws);
      return get(aws);
    },
    'v2',
  );

  differs(
    'secret-one-current-version',
    'after a move, a put and a move back',
    async (aws) => {
      const [, second] = await shift(aws);
      const third = await aws('secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'v3' });
      const labels = async () =>
        Object.values(
          at(
            await aws('secretsmanager', 'DescribeSecret', { SecretId: 's' }),
            'VersionIdsToStages',
          ) as object,
        )
          .flat()
          .filter((label) => label === 'AWSCURRENT').length;
      const before = await labels();
      await move(aws, second, third.VersionId);
      return [before, await labels(), await get(aws)];
    },
    [1, 1, 'v2'],
  );

  differs(
    'secret-token-reuse',
    'with another value is refused',
    async (aws) => {
      await make(aws);
      const input = { SecretId: 's', ClientRequestToken: 'a'.repeat(32), VersionStages: ['AWSPENDING'] };
      await aws('secretsmanager', 'PutSecretValue', { ...input, SecretString: 'one' });
      return (await aws('secretsmanager', 'PutSecretValue', { ...input, SecretString: 'other' })).error;
    },
    'ResourceExistsException',
  );

  differs(
    'secret-managed-by-a-service',
    'is not written by hand',
    async (aws) => {
      const instance = {
        DBInstanceIdentifier: 'db1',
        DBInstanceClass: 'db.t4g.micro',
        Engine: 'postgres',
        AllocatedStorage: 20,
        MasterUsername: 'm',
        ManageMasterUserPassword: true,
      };
      const SecretId = text(
        await aws('rds', 'CreateDBInstance', instance),
        'DBInstance.MasterUserSecret.SecretArn',
      );
      return (await aws('secretsmanager', 'PutSecretValue', { SecretId, SecretString: 'mine' })).error;
    },
    'InvalidRequestException',
  );

  differs(
    'secret-name-pending-deletion',
    'cannot be used again',
    async (aws) => {
      await make(aws);
      await aws('secretsmanager', 'DeleteSecret', { SecretId: 's' });
      return (await make(aws)).error;
    },
    'InvalidRequestException',
  );

  differs(
    'secret-unlabelled-versions',
    'are left out',
    async (aws) => {
      await shift(aws);
      await aws('secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'v3' });
      await aws('secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'v4' });
      return Object.keys(
        at(await aws('secretsmanager', 'DescribeSecret', { SecretId: 's' }), 'VersionIdsToStages') as object,
      ).length;
    },
    2,
  );

  differs(
    'secret-list-of-versions',
    'has those without a label when they are asked for, and when each was made',
    async (aws) => {
      const [first] = await shift(aws);
      await aws('secretsmanager', 'PutSecretValue', { SecretId: 's', SecretString: 'v3' });
      await sleep(1_100);
      const list = async (more: object) =>
        (await aws('secretsmanager', 'ListSecretVersionIds', { SecretId: 's', ...more }))
          .Versions as readonly { VersionId: string; VersionStages?: string[]; CreatedDate: number }[];
      const all = await list({ IncludeDeprecated: true });
      const without = all.filter(({ VersionStages = [] }) => VersionStages.length === 0);
      const isPast = all.every(({ CreatedDate }) => CreatedDate < Math.floor(Date.now() / 1000));
      return [(await list({})).length, without.map(({ VersionId }) => VersionId === first), isPast];
    },
    [2, [true], true],
  );

  differs(
    'secret-rotation-refusals',
    'no function; one under way',
    async (aws) => {
      await make(aws);
      const none = await aws('secretsmanager', 'RotateSecret', { SecretId: 's' });
      await aws('secretsmanager', 'PutSecretValue', {
        SecretId: 's',
        SecretString: 'v2',
        VersionStages: ['AWSPENDING'],
      });
      const RotationLambdaARN = 'arn:aws:lambda:us-east-1:123456789012:function:f';
      const second = await aws('secretsmanager', 'RotateSecret', { SecretId: 's', RotationLambdaARN });
      return [none.error, second.error];
    },
    ['InvalidRequestException', 'InvalidRequestException'],
  );

  differs(
    'lag-secretsmanager.secret',
    'a new secret is not there at once',
    async (aws, bed) => {
      await bed.lag({ 'secretsmanager.secret': 1 });
      await make(aws);
      return [await get(aws), await get(aws)];
    },
    [undefined, 'v1'],
  );

  const put = (aws: Aws, token: string, more = {}) =>
    aws('secretsmanager', 'PutSecretValue', {
      ...{ SecretId: 's', SecretString: token, ClientRequestToken: token.padEnd(32, '-') },
      ...{ VersionStages: ['AWSPENDING'], ...more },
    });

  differs(
    'secret-version-quota',
    'of 100 versions',
    async (aws) => {
      await make(aws);
      for (let turn = 0; turn < 99; turn++) await put(aws, String(turn));
      return [(await put(aws, '98')).error, (await put(aws, '99')).error];
    },
    [undefined, 'LimitExceededException'],
  );

  differs(
    'secret-label-holder',
    'has to be named, and keeps its label when the move is refused',
    async (aws) => {
      const first = await make(aws);
      const second = await put(aws, 'two');
      const third = await put(aws, 'three', { VersionStages: ['mine'] });
      const update = async (VersionStage: string, to: unknown, from?: unknown) => {
        const input = {
          SecretId: 's',
          VersionStage,
          MoveToVersionId: to,
          ...(from ? { RemoveFromVersionId: from } : {}),
        };
        return (await aws('secretsmanager', 'UpdateSecretVersionStage', input)).error;
      };
      return [
        await update('AWSPENDING', third.VersionId),
        await update('AWSPENDING', third.VersionId, first.VersionId),
        await update('AWSCURRENT', 'a'.repeat(32), first.VersionId),
        await get(aws),
        await update('AWSPENDING', third.VersionId, second.VersionId),
      ];
    },
    ['InvalidParameterException', 'InvalidParameterException', 'ResourceNotFoundException', 'v1', undefined],
  );

  differs(
    'secret-changes-while-deleted',
    'are refused',
    async (aws) => {
      await make(aws);
      await aws('secretsmanager', 'DeleteSecret', { SecretId: 's' });
      return (await put(aws, 'two')).error;
    },
    'InvalidRequestException',
  );

  differs(
    'lag-secretsmanager.version',
    'a new value, and a label that was moved, are not to be seen at once',
    async (aws, bed) => {
      const first = await make(aws);
      const second = await put(aws, 'two');
      await bed.lag({ 'secretsmanager.version': 2 });
      await move(aws, second.VersionId, first.VersionId);
      const moved = [await get(aws), await get(aws), await get(aws)];
      const third = await put(aws, 'three');
      const VersionId = third.VersionId;
      const described = await aws('secretsmanager', 'DescribeSecret', { SecretId: 's' });
      const read = async () =>
        (await aws('secretsmanager', 'GetSecretValue', { SecretId: 's', VersionId })).SecretString;
      return [
        ...moved,
        String(VersionId) in (at(described, 'VersionIdsToStages') as object),
        await read(),
        await read(),
      ];
    },
    ['v1', 'v1', 'two', false, undefined, 'three'],
  );

  const allowed = async (aws: Aws) => {
    const { FunctionArn } = await makeFunction(aws);
    await aws('lambda', 'AddPermission', {
      ...{ FunctionName: 'f', StatementId: 's', Action: 'lambda:InvokeFunction' },
      Principal: 'secretsmanager.amazonaws.com',
    });
    return FunctionArn;
  };

  differs(
    'secret-rotation',
    'invokes the function step by step, all of them again after a failure',
    async (aws, bed) => {
      const { VersionId: first } = await make(aws);
      const unasked = (await makeFunction(aws)).FunctionArn;
      const refused = await aws('secretsmanager', 'RotateSecret', {
        SecretId: 's',
        RotationLambdaARN: unasked,
      });
      if (refused.error === undefined) return refused;
      const RotationLambdaARN = await allowed(aws);
      let failures = 1;
      await bed.hook({ instead: ['lambda:Invoke'] }, async ({ input }) => {
        const { Step, ClientRequestToken: token } = JSON.parse(
          Buffer.from(String(input.Payload), 'base64').toString(),
        ) as Record<string, string>;
        if (Step === 'createSecret') await put(aws, String(token));
        if (Step === 'testSecret' && failures-- > 0)
          return { output: { StatusCode: 200, FunctionError: 'Unhandled', Payload: '' } };
        if (Step === 'finishSecret') await move(aws, token, first);
        return { output: { StatusCode: 200, Payload: '' } };
      });
      const { VersionId } = await aws('secretsmanager', 'RotateSecret', {
        SecretId: 's',
        RotationLambdaARN: RotationLambdaARN ?? unasked,
      });
      const done = await rotationOf(bed);
      return [refused.error, done.state, done.steps.map(({ step }) => step), (await get(aws)) === VersionId];
    },
    [
      'AccessDeniedException',
      'succeeded',
      ['createSecret', 'setSecret', 'testSecret', 'createSecret', 'setSecret', 'testSecret', 'finishSecret'],
      true,
    ],
  );

  differs(
    'secret-rotation-rules',
    'are shown as they were given',
    async (aws, bed) => {
      await make(aws);
      await bed.hook({ instead: ['lambda:Invoke'] }, async () => ({
        output: { StatusCode: 200, Payload: '' },
      }));
      const RotationRules = { ScheduleExpression: 'rate(10 days)', Duration: '2h' };
      const RotationLambdaARN = await allowed(aws);
      await aws('secretsmanager', 'RotateSecret', {
        SecretId: 's',
        RotationLambdaARN,
        RotationRules,
        RotateImmediately: false,
      });
      await rotationOf(bed);
      const described = await aws('secretsmanager', 'DescribeSecret', { SecretId: 's' });
      const cancelled = await aws('secretsmanager', 'CancelRotateSecret', { SecretId: 's' });
      const after = await aws('secretsmanager', 'DescribeSecret', { SecretId: 's' });
      return [
        described.RotationEnabled,
        described.RotationRules,
        Object.values(described.VersionIdsToStages ?? {}),
        cancelled.error,
        after.RotationEnabled,
      ];
    },
    [true, { ScheduleExpression: 'rate(10 days)', Duration: '2h' }, [['AWSCURRENT']], undefined, false],
  );
});

interface Rotation {
  readonly state: string;
  readonly steps: readonly { readonly step: string }[];
}

/** The last one of `s`, once it has come to its end. */
async function rotationOf(bed: Bed): Promise<Rotation> {
  for (;;) {
    const rotations = await bed.control<Rotation[]>('rotations', { region: bed.region, secret: 's' });
    const last = rotations.at(-1);
    if (last === undefined) throw new Error('there is no rotation');
    if (last.state !== 'running') return last;
    await sleep(20);
  }
}
