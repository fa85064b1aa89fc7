import type { Wiring } from '../../../provision/wiring.ts';
import { networkInterfaces, type Statement } from '../steps/iam-role.ts';
import { ownSecretName } from './attach-names.ts';
import type { AttachTarget } from './attach-target.ts';
import type { AttachLook, AttachWorld } from './attach-world.ts';

/** What a function's role needs besides what it has: its login, and network interfaces when it enters a VPC. */
export async function functionStatements(
  { aws }: AttachWorld,
  look: AttachLook,
  functionName: string,
  target: AttachTarget,
  { network }: Pick<Wiring, 'network'>,
): Promise<readonly Statement[] | undefined> {
  const login = await loginStatements(aws.region, look, functionName, target);
  return login === undefined ? undefined : [...login, ...(network === 'enters' ? [networkInterfaces] : [])];
}

async function loginStatements(
  region: string,
  look: AttachLook,
  functionName: string,
  { loginArn, newLogin, secret }: AttachTarget,
): Promise<Statement[] | undefined> {
  if (loginArn !== undefined) return [{ Effect: 'Allow', Action: ['rds-db:connect'], Resource: [loginArn] }];
  const arn = newLogin === undefined ? secret?.arn : (await look.secret(ownSecretName(functionName)))?.ARN;
  return arn === undefined ? undefined : secretStatements(region, arn, secret?.keyArn);
}

export function secretStatements(region: string, arn: string, keyArn?: string): Statement[] {
  const read: Statement = { Effect: 'Allow', Action: ['secretsmanager:GetSecretValue'], Resource: [arn] };
  if (keyArn === undefined) return [read];
  // https://docs.aws.amazon.com/secretsmanager/latest/userguide/security-encryption.html
  const condition = {
    'kms:ViaService': `secretsmanager.${region}.amazonaws.com`,
    'kms:EncryptionContext:SecretARN': arn,
  };
  return [
    read,
    { Effect: 'Allow', Action: ['kms:Decrypt'], Resource: [keyArn], Condition: { StringEquals: condition } },
  ];
}
