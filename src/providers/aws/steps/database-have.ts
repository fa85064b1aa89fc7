/** Where a PostgreSQL of RDS is, and what its login rights hang on. */
export interface DatabaseHave {
  readonly id: string;
  readonly arn: string;
  /** `db-…` or `cluster-…`: the part of an `rds-db:connect` ARN. */
  readonly resourceId: string;
  readonly host: string;
  readonly port: number;
  /** `17.9` */
  readonly version: string;
  /** Aurora: where the readers answer. */
  readonly readerHost?: string;
  /** The secret that RDS keeps for the master user; absent with IAM. */
  readonly masterSecretArn?: string;
  /** Aurora: the Data API answers. */
  readonly dataApi?: boolean;
}
