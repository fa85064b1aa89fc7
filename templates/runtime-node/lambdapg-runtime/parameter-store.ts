// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { callAws } from './aws-call.ts';
import type { Environment } from './aws-signature.ts';

const advice = [
  [
    'AccessDenied',
    "the function's role needs ssm:GetParameter on it, and kms:Decrypt where it has a key of its own",
  ],
  ['ParameterNotFound', 'there is no such parameter in this region'],
  ['InvalidKeyId', "the function's role needs kms:Decrypt on the parameter's key"],
] as const;

/** @param name of a parameter of Systems Manager, or its ARN @throws Error that holds no part of the value */
export async function readParameter(env: Environment, name: string): Promise<string> {
  const { Parameter: parameter } = await callAws(env, {
    ...{ service: 'ssm', title: 'Systems Manager', target: 'AmazonSSM.GetParameter' },
    region: name.startsWith('arn:') ? (name.split(':')[3] ?? '') : (env.AWS_REGION ?? ''),
    input: { Name: name, WithDecryption: true },
    ...{ what: `the parameter ${name}`, advice },
  });
  const { Value: text } = (parameter ?? {}) as Record<string, unknown>;
  return typeof text === 'string' ? text : '';
}
