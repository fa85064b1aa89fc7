import { randomBytes } from 'node:crypto';
import type { ConnectionTarget } from '../../src/database/target.ts';
import { withClient } from '../../src/database/with-client.ts';
import { type HerokuApi, startHerokuApi } from '../runtime/heroku-api.ts';

/** A Heroku Postgres add-on: a real PostgreSQL, and Heroku's API, which says how to log in to it now. */
export interface HerokuPostgres {
  readonly addon: string;
  readonly api: HerokuApi;
  /** The login of the URL that the API gives now. */
  user(): string;
  /**
   * Makes a login that the API gives from now on. The former one lives on (`later`), as while its connections last, or it loses its
   * connections and goes (`now`), as with --force. devcenter.heroku.com/articles/heroku-postgresql-credentials
   */
  rotate(former: 'later' | 'now'): Promise<void>;
  stop(): Promise<void>;
}

/**
 * @param admin of the PostgreSQL
 * @param member a role that the logins are members of, so that they own what the former ones made: at Heroku it is one role
 */
export async function startHerokuPostgres(
  admin: ConnectionTarget,
  member: string,
  { addon, key }: { readonly addon: string; readonly key: string },
): Promise<HerokuPostgres> {
  const api = await startHerokuApi();
  api.keys.add(key);
  const run = (...statements: string[]): Promise<void> =>
    withClient(admin, { applicationName: 'heroku' }, async (client) => {
      for (const statement of statements) await client.query(statement);
    });
  let current = '';
  const makeLogin = async (): Promise<void> => {
    // Both are hexadecimal: they need no quoting in SQL and none in a URL.
    const [name, password] = [`u${randomBytes(6).toString('hex')}`, randomBytes(32).toString('hex')];
    await run(`create role ${name} login password '${password}' in role ${member}`);
    const value = `postgres://${name}:${password}@${admin.host}:${admin.port}/${admin.database}`;
    // The order means nothing, and the database's own variable has a colour in its name.
    api.configs[addon] = [
      { name: 'HEROKU_POSTGRESQL_AMBER_NOTE', value: 'none of yours' },
      { name: 'HEROKU_POSTGRESQL_AMBER_URL', value },
    ];
    current = name;
  };
  await makeLogin();
  return {
    ...{ addon, api },
    user: () => current,
    async rotate(former) {
      const old = current;
      await makeLogin();
      if (former === 'later') return;
      await run(
        `alter role ${old} nologin`,
        // Until they have ended: their clients then find the goodbye before they ask again.
        `select pg_terminate_backend(pid, 20000) from pg_stat_activity where usename = '${old}'`,
        `drop role ${old}`,
      );
    },
    stop: () => api.close(),
  };
}
