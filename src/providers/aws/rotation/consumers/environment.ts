import type { EnvironmentResponse } from '@aws-sdk/client-lambda';
import { UserError } from '../../../../errors.ts';
import type { FunctionConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { StoredLogin } from '../../../../rotation/observation.ts';
import { Secret } from '../../../../secret.ts';
import { parseStored, writeStored } from '../store/store-text.ts';

export type Variables = Readonly<Record<string, string>>;

/** Which variables of a function hold the login. */
export interface LoginNames {
  readonly user?: string;
  readonly password?: string;
  readonly url?: string;
  /** The second candidate of a one-role rotation. */
  readonly next?: string;
}

/** All that a function's environment may hold. https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const environmentLimit = 4_096;

/** As configured; else what the connection libraries of PostgreSQL read, where the function has it. */
export function loginNames(
  configured: FunctionConsumerConfig['variables'],
  variables: Variables,
): LoginNames {
  const { user, password, url, next } = configured ?? {};
  const named = {
    ...(user !== undefined && { user }),
    ...(password !== undefined && { password }),
    ...(url !== undefined && { url }),
  };
  const known = {
    ...(variables.PGUSER !== undefined && { user: 'PGUSER' }),
    ...(variables.PGPASSWORD !== undefined && { password: 'PGPASSWORD' }),
    ...(variables.DATABASE_URL !== undefined && { url: 'DATABASE_URL' }),
  };
  return { ...(Object.keys(named).length > 0 ? named : known), ...(next !== undefined && { next }) };
}

export const namesOf = (names: LoginNames): string[] =>
  [names.user, names.password, names.url, names.next].filter((name) => name !== undefined);

/**
 * The login that an environment holds; undefined where it holds none, or two that differ.
 *
 * @param fixedUser the user where no variable names one
 */
export function loginIn(
  variables: Variables,
  names: LoginNames,
  fixedUser?: string,
): StoredLogin | undefined {
  const { user = fixedUser, password } = {
    user: textOf(variables, names.user),
    password: textOf(variables, names.password),
  };
  const plain =
    user === undefined || password === undefined ? undefined : { user, password: new Secret(password) };
  const url = textOf(variables, names.url);
  const inUrl = url === undefined ? undefined : parseStored(new Secret(url));
  if (plain === undefined || names.url === undefined) return plain ?? inUrl;
  return inUrl !== undefined && isSameLogin(plain, inUrl) ? inUrl : undefined;
}

export const isSameLogin = (one: StoredLogin | undefined, two: StoredLogin | undefined): boolean =>
  one !== undefined &&
  two !== undefined &&
  one.user === two.user &&
  one.password.reveal() === two.password.reveal();

/**
 * The environment with another login; everything else stays as it is.
 *
 * @throws UserError CONSUMER_FIXED_USER where the user cannot be changed with the password
 */
export function withLogin(
  variables: Variables,
  names: LoginNames,
  login: StoredLogin,
  who: string,
  fixedUser?: string,
): Record<string, string> {
  const url = textOf(variables, names.url);
  if (names.user === undefined && names.url === undefined) verifyUser(who, fixedUser, login.user);
  if (names.password === undefined && names.url === undefined) throw noLogin(who);
  return {
    ...variables,
    ...(names.user !== undefined && { [names.user]: login.user }),
    ...(names.password !== undefined && { [names.password]: login.password.reveal() }),
    ...(names.url !== undefined &&
      url !== undefined && { [names.url]: writeStored(new Secret(url), login).reveal() }),
  };
}

/** @throws UserError CONSUMER_FIXED_USER where a copy holds a password alone and is to get another user's */
export function verifyUser(who: string, has: string | undefined, wanted: string): void {
  if (has === wanted) return;
  throw new UserError(
    'CONSUMER_FIXED_USER',
    `${who} holds a password and no user name, so it cannot change from ${has ?? 'its user'} to ${wanted}`,
    {
      suggestions: [
        'let it read the user name as well, and name both in lambdapg.json',
        '--strategy next keeps the user name',
      ],
    },
  );
}

const noLogin = (who: string): UserError =>
  new UserError('CONSUMER_WITHOUT_LOGIN', `${who} has no variable with a password or a URL of PostgreSQL`, {
    suggestions: ['name them in lambdapg.json: "variables": {"user": "DB_USER", "password": "DB_PASSWORD"}'],
  });

/** The second candidate, or without it. */
export function withNext(
  variables: Variables,
  next: string,
  login: StoredLogin | undefined,
): Record<string, string> {
  const { [next]: _former, ...rest } = variables;
  return login === undefined ? rest : { ...rest, [next]: login.password.reveal() };
}

/** @throws UserError ENVIRONMENT_TOO_LARGE */
export function verifySize(variables: Variables, who: string): void {
  const size = Object.entries(variables).reduce(
    (sum, [name, value]) => sum + Buffer.byteLength(name) + Buffer.byteLength(value),
    0,
  );
  if (size <= environmentLimit) return;
  throw new UserError(
    'ENVIRONMENT_TOO_LARGE',
    `the environment of ${who} would be ${size} bytes, and Lambda takes ${environmentLimit}`,
    { suggestions: ['remove what the function does not need'] },
  );
}

/** Why AWS does not show an environment: then it must not be written either, or it would be lost. */
export const hiddenReason = (environment: EnvironmentResponse | undefined): string | undefined =>
  environment?.Error === undefined
    ? undefined
    : `AWS does not show its environment: ${environment.Error.Message ?? environment.Error.ErrorCode ?? 'no reason given'}; ask for kms:Decrypt on its key`;

const textOf = (variables: Variables, name: string | undefined): string | undefined => {
  const value = name === undefined ? undefined : variables[name];
  return value === '' ? undefined : value;
};
