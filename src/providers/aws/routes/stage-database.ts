import type { ConnectionTarget } from '../../../database/target.ts';

/** A stage's database as the routes need it. Found by describe calls, never remembered. */
export interface StageDatabase {
  /** Its own name and port, unmapped; `password` asks Secrets Manager, or makes an IAM token, when it is called. */
  readonly admin: ConnectionTarget;
  /** What the functions log in as at the moment. The database itself, not a proxy. */
  readonly app: ConnectionTarget;
  /** Absent where no roles of ours were made (an attached database). */
  readonly ownerRole?: string;
  /** The server has a public address: worth a try from here. */
  readonly publiclyAccessible: boolean;
  /** It is in no network of AWS, so that there is no other way than a direct one. */
  readonly isOutside?: boolean;
  /** An Aurora cluster with the HTTP endpoint. */
  readonly dataApi?: DataApi;
  /** The runner's name in this stage, whether or not it exists. */
  readonly runnerName: string;
  /** For people: `my-api-dev-db (RDS PostgreSQL 17.9, eu-central-1)`. */
  readonly title: string;
}

export interface DataApi {
  readonly clusterArn: string;
  readonly database: string;
  /** The Data API logs in with a secret alone. */
  readonly adminSecretArn: string;
  readonly appSecretArn?: string;
}
