import type { FunctionConfiguration } from '@aws-sdk/client-lambda';
import type { FunctionConsumerConfig } from '../../../../project/rotation-schema.ts';
import { Secret } from '../../../../secret.ts';
import { hiddenReason, type Variables } from '../consumers/environment.ts';
import { variablesOf } from '../consumers/function-consumer.ts';
import { parseStored } from '../store/store-text.ts';
import type { Traces } from './find-consumers-traces.ts';

export interface FunctionEvidence {
  /** In words; names of variables, never their values. */
  readonly text: string;
  /** How it gets the login, when that can be told. */
  readonly entry?: Pick<FunctionConsumerConfig, 'credentials' | 'variables'>;
}

/** What a function's environment tells; the surest first. Pure. */
export function findInEnvironment(configuration: FunctionConfiguration, traces: Traces): FunctionEvidence[] {
  const variables = variablesOf(configuration);
  const hidden = hiddenReason(configuration.Environment);
  if (hidden !== undefined) return [];
  return [...holding(variables, traces), ...naming(variables, traces), ...reaching(variables, traces)];
}

/** The login itself. */
function holding(variables: Variables, { known, hosts }: Traces): FunctionEvidence[] {
  const logins = [known?.current, known?.pending, known?.previous].flatMap((version) =>
    version === undefined ? [] : [version.login],
  );
  const passwords = new Set(logins.map(({ password }) => password.reveal()));
  const users = new Set(logins.map(({ user }) => user));
  const names = Object.keys(variables);
  const url = names.find((name) => {
    const text = variables[name] ?? '';
    const login = /^postgres(ql)?:/.test(text) ? parseStored(new Secret(text)) : undefined;
    if (login === undefined) return false;
    return (
      hosts.some((host) => login.place?.startsWith(`${host}:`)) || passwords.has(login.password.reveal())
    );
  });
  const password = names.find((name) => passwords.has(variables[name] ?? ''));
  const user = names.find((name) => users.has(variables[name] ?? ''));
  if (url === undefined && password === undefined) return [];
  const found = {
    ...(user !== undefined && password !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(url !== undefined && { url }),
  };
  const text = `its variable ${[url, password].filter((name) => name !== undefined).join(' and ')} holds the login`;
  return [{ text, entry: { credentials: 'environment', variables: found } }];
}

/** The secret, by which it is read at run time. */
function naming(variables: Variables, { secretArn, secret }: Traces): FunctionEvidence[] {
  const isIt = (value: string): boolean =>
    value === secret || value === secretArn || value.includes(secretArn);
  return Object.entries(variables)
    .filter(([, value]) => isIt(value))
    .map(([name]) => ({
      text: `its variable ${name} names the secret`,
      // Others may read it as well; what the connection module reads is sure.
      ...(name === 'LAMBDAPG_SECRET_ARN' && { entry: { credentials: 'module' as const } }),
    }));
}

function reaching(variables: Variables, { hosts }: Traces): FunctionEvidence[] {
  const names = Object.entries(variables)
    .filter(([, value]) => hosts.some((host) => value.includes(host)))
    .map(([name]) => name);
  if (names.length === 0) return [];
  const text = `its variable ${names.join(' and ')} names the database's host`;
  const isPlain = (variables.PGPASSWORD ?? '') !== '' && names.includes('PGHOST');
  return [{ text, ...(isPlain && { entry: { credentials: 'environment' as const } }) }];
}
