// Part of lambdapg's connection runtime: do not edit. `src/db.ts` is yours.
import type { Environment } from './aws-signature.ts';
import type { CredentialSource, Credentials } from './credentials.ts';
import { readSecret } from './secrets-manager.ts';

/** One for each secret, for all connections of this execution environment. */
const sources = new Map<string, CredentialSource>();

/** User and password from Secrets Manager: read at the first connection, kept, and read anew when they were refused. */
export function secretCredentials(env: Environment, arn: string): CredentialSource {
  const source = sources.get(arn) ?? startSource(() => readSecret(env, arn));
  sources.set(arn, source);
  return source;
}

function startSource(read: () => Promise<Credentials>): CredentialSource {
  let known: Credentials | undefined;
  let reading: Promise<Credentials> | undefined;
  return async (refused) => {
    // Not the ones that were refused: another connection has read the secret meanwhile.
    if (known !== undefined && known !== refused) return known;
    reading ??= read().finally(() => {
      reading = undefined;
    });
    known = await reading;
    return known;
  };
}
