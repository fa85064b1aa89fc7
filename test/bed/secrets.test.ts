import { describe } from 'vitest';
import { type Aws, at, differs, text } from './differs.ts';

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
});
