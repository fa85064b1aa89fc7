import type { DatabaseHave } from './database-have.ts';
import type { SubnetHave } from './network-haves.ts';
import type { SecretHave } from './secrets.ts';
import type { GroupHave } from './security-groups.ts';
import type { AwsStep } from './world.ts';

export interface ProxyHave {
  readonly name: string;
  readonly host: string;
  readonly port: number;
  /** `prx-…`: the part of an `rds-db:connect` ARN. */
  readonly resourceId: string;
}

export interface ProxyNeeds {
  readonly subnets: readonly AwsStep<SubnetHave>[];
  readonly group: AwsStep<GroupHave>;
  readonly rules: AwsStep<unknown>;
  readonly database: AwsStep<DatabaseHave>;
  /** One for each login; none with IAM from end to end. */
  readonly slots: readonly AwsStep<SecretHave>[];
  /** The logins must exist before the proxy can use them. */
  readonly logins: AwsStep<unknown>;
}
