// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { callAws } from './aws-call.ts';
import type { Environment } from './aws-signature.ts';

export type VersionStage = 'AWSCURRENT' | 'AWSPENDING' | 'AWSPREVIOUS';

const advice = [
  [
    'AccessDenied',
    "the function's role needs secretsmanager:GetSecretValue on it, and kms:Decrypt where it has a key of its own",
  ],
  ['ResourceNotFound', 'there is no such secret, or no version of it is labelled AWSCURRENT'],
  ['InvalidRequest', 'it may be scheduled for deletion'],
  ['Decryption', "the function's role needs kms:Decrypt on the secret's key"],
] as const;

/** @throws Error that names the secret and what to look at, and holds no part of its value */
export async function readSecret(env: Environment, arn: string, stage: VersionStage): Promise<string> {
  const { SecretString: text } = await callAws(env, {
    ...{ service: 'secretsmanager', title: 'Secrets Manager', target: 'secretsmanager.GetSecretValue' },
    region: arn.split(':')[3] ?? '',
    input: { SecretId: arn, VersionStage: stage },
    ...{ what: `the secret ${arn}`, advice },
  });
  return typeof text === 'string' ? text : '';
}
