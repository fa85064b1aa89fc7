import { randomBytes } from 'node:crypto';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import type { Bed, HookCall } from '../bed.ts';
import { postgresPort } from './loopback-address.ts';
import { type Signer, type TokenRules, verifyRdsToken } from './rds-token.ts';

/** Temporary credentials of a role, as the environment of a function holds them. */
export interface RoleCredentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
  readonly sessionToken: string;
}

/** Where a token is to lead. */
export interface TokenWish extends Pick<TokenRules, 'hosts' | 'user' | 'now'> {
  /** `db-…`, `cluster-…` or `prx-…`. */
  readonly resourceId: string;
}

interface Policy {
  readonly name: string;
  readonly policy: unknown;
}

/** Who holds which access key in the account of a bed, and what they may do by their identity policies. */
export class Identities {
  static readonly hooks = ['sts:AssumeRole', 'iam:CreateAccessKey'];
  readonly #bed: Bed;
  readonly #signers = new Map<string, Signer>();
  readonly #root: string;

  constructor(bed: Bed) {
    this.#bed = bed;
    this.#root = `arn:aws:iam::${bed.account}:root`;
    const { AWS_ACCESS_KEY_ID: key = '', AWS_SECRET_ACCESS_KEY: secretAccessKey = '' } = bed.environment;
    this.#signers.set(key, { secretAccessKey, arn: this.#root });
  }

  /** Learns the keys that the account hands out. */
  handle({ action, input, output = {} }: HookCall): void {
    if (action === 'AssumeRole') {
      const { AccessKeyId, SecretAccessKey, SessionToken } = output.Credentials as Record<string, string>;
      if (AccessKeyId === undefined || SecretAccessKey === undefined || SessionToken === undefined) return;
      const signer = { secretAccessKey: SecretAccessKey, sessionToken: SessionToken };
      this.#signers.set(AccessKeyId, { ...signer, arn: String(input.RoleArn) });
      return;
    }
    const { AccessKeyId, SecretAccessKey, UserName } = output.AccessKey as Record<string, string>;
    if (AccessKeyId === undefined || SecretAccessKey === undefined) return;
    const arn = `arn:aws:iam::${this.#bed.account}:user/${UserName}`;
    this.#signers.set(AccessKeyId, { secretAccessKey: SecretAccessKey, arn });
  }

  /** New credentials of a role, as Lambda and RDS Proxy get them; the gate reads the account from the key. */
  assume(roleArn: string): RoleCredentials {
    const accessKeyId = `ASIA${this.#bed.account}${randomBytes(4).toString('hex').toUpperCase()}`;
    const secretAccessKey = randomBytes(30).toString('base64');
    const sessionToken = randomBytes(120).toString('base64');
    this.#signers.set(accessKeyId, { secretAccessKey, sessionToken, arn: roleArn });
    return { accessKeyId, secretAccessKey, sessionToken };
  }

  findSigner(accessKeyId: string): Signer | undefined {
    return this.#signers.get(accessKeyId);
  }

  /**
   * Verifies an IAM database token, and that its signer may connect as that user to the database or proxy.
   *
   * @returns why it is refused
   */
  async verifyToken(token: string, { resourceId, ...wish }: TokenWish): Promise<string | undefined> {
    const { region, account } = this.#bed;
    const findSigner = async (key: string) => this.findSigner(key);
    const verdict = await verifyRdsToken(token, { ...wish, port: postgresPort, region, findSigner });
    if ('refused' in verdict) return verdict.refused;
    const arn = `arn:aws:rds-db:${region}:${account}:dbuser:${resourceId}/${wish.user}`;
    const may = await this.mayDo(verdict.signer.arn, 'rds-db:connect', arn);
    return may ? undefined : `${verdict.signer.arn} may not rds-db:connect on ${arn}`;
  }

  /** What a third party's policy evaluation says of the identity's own policies; the account's root may do everything. */
  async mayDo(arn: string, action: string, resource: string): Promise<boolean> {
    if (arn === this.#root) return true;
    const result = await runSimulation(
      {
        request: {
          principal: arn,
          action,
          resource: { resource, accountId: this.#bed.account },
          contextVariables: { 'aws:RequestedRegion': this.#bed.region },
        },
        identityPolicies: await this.#policiesOf(arn),
        serviceControlPolicies: [],
        resourceControlPolicies: [],
      },
      {},
    );
    if (result.resultType === 'error') throw new Error(JSON.stringify(result.errors));
    return result.overallResult === 'Allowed';
  }

  async #policiesOf(arn: string): Promise<Policy[]> {
    const kind = arn.includes(':user/') ? 'User' : 'Role';
    const owner = { [`${kind}Name`]: arn.split('/').at(-1) ?? '' };
    const ask = <Output>(action: string, input: Record<string, unknown>) =>
      this.#bed.aws<Output>({ service: 'iam', action, input });
    const inline = await ask<{ PolicyNames: string[] }>(`List${kind}Policies`, owner);
    const policies = inline.PolicyNames.map(async (name) => {
      const found = await ask<{ PolicyDocument: unknown }>(`Get${kind}Policy`, {
        ...owner,
        PolicyName: name,
      });
      return { name, policy: parseDocument(found.PolicyDocument) };
    });
    const attached = await ask<{ AttachedPolicies: { PolicyArn: string }[] }>(
      `ListAttached${kind}Policies`,
      owner,
    );
    const managed = attached.AttachedPolicies.map(async ({ PolicyArn }) => {
      const { Policy } = await ask<{ Policy: { DefaultVersionId: string } }>('GetPolicy', { PolicyArn });
      const { PolicyVersion } = await ask<{ PolicyVersion: { Document: unknown } }>('GetPolicyVersion', {
        PolicyArn,
        VersionId: Policy.DefaultVersionId,
      });
      return { name: PolicyArn, policy: parseDocument(PolicyVersion.Document) };
    });
    return Promise.all([...policies, ...managed]);
  }
}

/** botocore decodes documents, other clients get them percent-encoded. */
function parseDocument(document: unknown): unknown {
  if (typeof document !== 'string') return document;
  return JSON.parse(document.startsWith('%') ? decodeURIComponent(document) : document);
}
