import { UserError } from '../../../errors.ts';
import { readLogin } from '../steps/secrets.ts';
import type { AttachLook, AttachWorld } from './attach-world.ts';

export interface LoginSecret {
  readonly arn: string;
  /** Of a key of the account's own; a function needs kms:Decrypt for it. */
  readonly keyArn?: string;
}

/**
 * A secret that holds a login, of this account.
 *
 * @param id name or ARN
 * @throws UserError NO_SUCH_SECRET, SECRET_DELETED, FOREIGN_SECRET, BAD_SECRET
 */
export async function findSecret({ aws }: AttachWorld, look: AttachLook, id: string): Promise<LoginSecret> {
  const { account } = await aws.identity();
  const owner = /^arn:[^:]+:secretsmanager:[^:]*:(\d+):/.exec(id)?.[1];
  if (owner !== undefined && owner !== account) {
    throw new UserError('FOREIGN_SECRET', `secret ${id} belongs to account ${owner}, not to ${account}`, {
      suggestions: ['--secret with one of this account'],
    });
  }
  const found = await look.secret(id);
  if (found?.ARN === undefined) {
    throw new UserError('NO_SUCH_SECRET', `there is no secret "${id}" in ${aws.region}`, {
      suggestions: ['--secret with its whole ARN or name, or another --region'],
    });
  }
  if (found.DeletedDate !== undefined) {
    throw new UserError('SECRET_DELETED', `secret ${id} is to be deleted`, {
      suggestions: [`aws secretsmanager restore-secret --secret-id ${id}`],
    });
  }
  await readLogin(aws, found.ARN);
  const { KmsKeyId: key } = found;
  const isOwnKey = key !== undefined && key !== '' && !/alias\/aws\/secretsmanager$/.test(key);
  return { arn: found.ARN, ...(isOwnKey && { keyArn: await keyArnOf(aws, key) }) };
}

/** Secrets Manager keeps what it was given: an id, an alias or an ARN. */
async function keyArnOf(aws: AttachWorld['aws'], key: string): Promise<string> {
  if (key.startsWith('arn:')) return key;
  const { account, partition } = await aws.identity();
  // A policy cannot name an alias; the condition of the statement keeps it to this secret.
  const id = key.startsWith('alias/') ? '*' : key;
  return `arn:${partition}:kms:${aws.region}:${account}:key/${id}`;
}
