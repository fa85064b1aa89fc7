import type { Bed } from '../bed.ts';
import type { Database } from './databases.ts';
import { readMasterPassword } from './describe-database.ts';

interface Item {
  readonly MasterUserSecret?: { readonly SecretArn?: string; readonly SecretStatus?: string };
}

/** RDS changes a managed master password some time after it was asked to: when it calls the secret active again. */
export class MasterRotations {
  readonly #bed: () => Bed;
  /** By the ARN of their secret. */
  readonly #rotating = new Map<string, Database>();
  readonly #changing = new Map<string, Promise<void>>();

  constructor(bed: () => Bed) {
    this.#bed = bed;
  }

  begin(database: Database): void {
    const arn = database.described.MasterUserSecret?.SecretArn;
    if (arn !== undefined) this.#rotating.set(arn, database);
  }

  /** @param output of a call that describes instances or clusters */
  async follow(output: Record<string, unknown> | undefined): Promise<void> {
    if (this.#rotating.size === 0 || output === undefined) return;
    const { DBInstance, DBCluster, DBInstances = [DBInstance], DBClusters = [DBCluster] } = output;
    for (const item of [...(DBInstances as (Item | undefined)[]), ...(DBClusters as (Item | undefined)[])]) {
      const { SecretArn = '', SecretStatus } = item?.MasterUserSecret ?? {};
      const database = this.#rotating.get(SecretArn);
      if (database === undefined || SecretStatus !== 'active') continue;
      // A call beside this one waits too: for both the secret is active.
      let change = this.#changing.get(SecretArn);
      if (change === undefined) {
        change = this.#change(database).finally(() => {
          this.#rotating.delete(SecretArn);
          this.#changing.delete(SecretArn);
        });
        this.#changing.set(SecretArn, change);
      }
      await change;
    }
  }

  async #change(database: Database): Promise<void> {
    const password = await readMasterPassword(this.#bed(), database.described, {});
    if (password === undefined || !database.server.running) return;
    await database.server.setPassword(database.described.MasterUsername, password);
  }
}
