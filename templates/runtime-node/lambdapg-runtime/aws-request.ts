// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import { AwsV4Signer } from 'aws4fetch';

export type Environment = Readonly<Record<string, string | undefined>>;

/** What every signature needs; Lambda sets them. The session token is missing only for a person's own key. */
export const awsVariables = ['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY'] as const;

type Request = Omit<
  ConstructorParameters<typeof AwsV4Signer>[0],
  'accessKeyId' | 'secretAccessKey' | 'sessionToken'
>;

/** A request to AWS, to be signed by Signature Version 4 with the function's own credentials. */
export function awsSigner(env: Environment, request: Request): AwsV4Signer {
  const { AWS_ACCESS_KEY_ID: accessKeyId = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = env;
  const sessionToken = env.AWS_SESSION_TOKEN;
  return new AwsV4Signer({ ...request, accessKeyId, secretAccessKey, ...(sessionToken && { sessionToken }) });
}
