import { DescribeSecretCommand, type DescribeSecretResponse } from '@aws-sdk/client-secrets-manager';
import { exitCodes, UserError } from '../../../../errors.ts';
import type { StoredLogin } from '../../../../rotation/observation.ts';
import type { CredentialStore, StoreSeen } from '../../../../rotation/parts.ts';
import type { Aws } from '../../clients.ts';
import { explainAwsError } from '../../explain.ts';
import { judgeAwsError, partsOf } from '../../judge.ts';

/** What a secret is held against before a rotation begins. */
export interface SecretExpectations {
  readonly stage: string;
  readonly hasEngine: boolean;
  /** Login names that a pending value may have. */
  readonly slots: { readonly a: string; readonly b: string };
  /** Names of the database, its proxy included. */
  readonly hosts: ReadonlySet<string>;
  /** What is pending is not used: it may be anybody's. */
  readonly givesUpPending?: boolean;
  /** Whether a rotation function is the one that lambdapg made. @param functionArn of the secret */
  readonly isOwnFunction?: (functionArn: string) => Promise<boolean>;
}

/**
 * Whether a secret can be rotated by lambdapg, before anything is changed.
 *
 * @param secretId name or ARN
 * @returns what the store holds
 * @throws UserError NO_SUCH_SECRET, SECRET_DELETED, SECRET_OWNED, SECRET_ROTATES_ITSELF, OWN_ROTATION_FUNCTION, KMS_DENIED,
 *   SECRET_EMPTY, BAD_SECRET, SECRET_OTHER_HOST, FOREIGN_PENDING
 */
export async function verifySecret(
  aws: Aws,
  secretId: string,
  store: CredentialStore,
  expected: SecretExpectations,
): Promise<StoreSeen> {
  const described = await describe(aws, secretId, expected);
  verifyNotDeleted(secretId, described);
  if (described.OwningService !== undefined) throw owned(secretId, described.OwningService);
  await verifyUndriven(secretId, described, expected);
  const seen = await readStore(store, secretId, described);
  verifySeen(secretId, seen, expected);
  return seen;
}

/** The values alone: what tampering may have changed since the last look. @throws as `verifySecret` */
export function verifySeen(name: string, seen: StoreSeen, expected: SecretExpectations): void {
  const { current, pending } = seen;
  if (current === undefined) throw empty(name, expected);
  verifyHost(name, 'AWSCURRENT', current.login, expected.hosts);
  if (pending === undefined || expected.givesUpPending === true) return;
  const { a, b } = expected.slots;
  // The same role again is the one-role strategies' own, and explained elsewhere when it is nobody's.
  if (![a, b, current.login.user].includes(pending.login.user))
    throw foreignPending(name, pending.login.user, pending.versionId, expected);
  verifyHost(name, 'AWSPENDING', pending.login, expected.hosts);
}

async function describe(
  aws: Aws,
  secretId: string,
  { stage, hasEngine }: SecretExpectations,
): Promise<DescribeSecretResponse> {
  try {
    return await aws.read.secrets.send(new DescribeSecretCommand({ SecretId: secretId }));
  } catch (error) {
    if (judgeAwsError(error) !== 'gone') throw explainAwsError(error, `secret ${secretId}`);
    throw new UserError('NO_SUCH_SECRET', `there is no secret "${secretId}" in ${aws.region}`, {
      suggestions: [
        `lambdapg ${hasEngine ? 'deploy' : 'provision'} --stage ${stage} makes it`,
        'or another --region or --profile',
      ],
    });
  }
}

/** Two that rotate one secret would take each other's AWSPENDING away. */
async function verifyUndriven(
  name: string,
  { RotationEnabled, RotationLambdaARN: arn = '', NextRotationDate }: DescribeSecretResponse,
  { isOwnFunction }: SecretExpectations,
): Promise<void> {
  if (RotationEnabled !== true) return;
  if (arn !== '' && (await isOwnFunction?.(arn)) === true) {
    throw new UserError(
      'OWN_ROTATION_FUNCTION',
      `secret ${name} is rotated by lambdapg's own function, on the schedule of Secrets Manager: ${arn}`,
      {
        suggestions: [
          `aws secretsmanager rotate-secret --secret-id ${name} rotates it there, now`,
          `or give the schedule up: aws secretsmanager cancel-rotate-secret --secret-id ${name}`,
        ],
      },
    );
  }
  const next =
    NextRotationDate === undefined ? '' : `, next on ${NextRotationDate.toISOString().slice(0, 10)}`;
  throw new UserError(
    'SECRET_ROTATES_ITSELF',
    `secret ${name} is rotated by ${arn === '' ? 'Secrets Manager' : arn} on a schedule${next}: two that rotate it would undo each other`,
    {
      suggestions: [
        `aws secretsmanager cancel-rotate-secret --secret-id ${name}`,
        'or lambdapg rotate-creds --emit-lambda <folder>: a function for that schedule which takes turns between two logins',
      ],
    },
  );
}

async function readStore(
  store: CredentialStore,
  name: string,
  { KmsKeyId }: DescribeSecretResponse,
): Promise<StoreSeen> {
  try {
    return await store.read();
  } catch (error) {
    if (!isKmsDenied(error)) throw error;
    const key = KmsKeyId ?? 'alias/aws/secretsmanager';
    throw new UserError(
      'KMS_DENIED',
      `secret ${name} cannot be decrypted: its key ${key} is not yours to use`,
      {
        suggestions: [
          `ask for kms:Decrypt and kms:GenerateDataKey on ${key}`,
          `aws kms describe-key --key-id ${key} tells whether it is disabled or pending deletion`,
        ],
        cause: error,
      },
    );
  }
}

/** Secrets Manager says both as AccessDeniedException ("Access to KMS is not allowed") and by codes of its own. */
function isKmsDenied(error: unknown): boolean {
  const { name, message } = partsOf(error instanceof UserError ? error.cause : error);
  return /^(DecryptionFailure|EncryptionFailure|KMS)/.test(name) || /\bKMS\b|kms:/.test(message);
}

function verifyHost(name: string, label: string, { place }: StoredLogin, hosts: ReadonlySet<string>): void {
  const host = place?.replace(/:\d+\/.*$/s, '').toLowerCase();
  if (host === undefined || hosts.has(host)) return;
  throw new UserError(
    'SECRET_OTHER_HOST',
    `the ${label} value of secret ${name} names the host "${host}", which is not the database of this stage`,
    {
      suggestions: [
        `its names: ${[...hosts].join(', ')}`,
        label === 'AWSPENDING'
          ? 'find out who put it there, then: lambdapg rotate-creds --rollback (takes the label away)'
          : 'correct the host in the secret, or choose another --stage',
      ],
    },
  );
}

/** @throws UserError SECRET_DELETED: its values cannot even be read */
export function verifyNotDeleted(name: string, { DeletedDate: when }: DescribeSecretResponse): void {
  if (when === undefined) return;
  throw new UserError(
    'SECRET_DELETED',
    `secret ${name} is to be deleted (asked for on ${when.toISOString().slice(0, 10)}): nothing can be written to it`,
    { suggestions: [`aws secretsmanager restore-secret --secret-id ${name}`] },
  );
}

function owned(name: string, service: string): UserError {
  const isRds = service === 'rds' || service === 'aws';
  return new UserError('SECRET_OWNED', `secret ${name} belongs to ${service}, which alone may write to it`, {
    suggestions: isRds
      ? [
          'lambdapg rotate-creds --strategy managed has RDS rotate its master password',
          'functions that log in as the master should get logins of their own: lambdapg rotate-creds --adopt',
        ]
      : [`let ${service} rotate it`],
  });
}

function empty(name: string, { stage, hasEngine }: SecretExpectations): UserError {
  const why = hasEngine ? ': the engine has made it, and lambdapg deploy has not filled it yet' : '';
  return new UserError('SECRET_EMPTY', `secret ${name} has no value${why}`, {
    suggestions: [`lambdapg ${hasEngine ? 'deploy' : 'provision'} --stage ${stage}`],
  });
}

function foreignPending(
  name: string,
  user: string,
  version: string,
  { slots: { a, b } }: SecretExpectations,
): UserError {
  return new UserError(
    'FOREIGN_PENDING',
    `secret ${name} holds a pending login "${user}" that is neither ${a} nor ${b}: somebody else is rotating it`,
    {
      exit: exitCodes.notDone,
      suggestions: [
        'let that rotation finish',
        `or give it up: lambdapg rotate-creds --rollback (takes the label AWSPENDING away), as does aws secretsmanager update-secret-version-stage --secret-id ${name} --version-stage AWSPENDING --remove-from-version-id ${version}`,
      ],
    },
  );
}
