import { errorCode, errorMessage } from '../../../errors.ts';
import { queryJob } from '../../../jobs/query-job.ts';
import { proxyTarget } from '../database-targets.ts';
import { nameOf } from '../stage.ts';
import type { DatabaseHave } from './database-have.ts';
import { oncePerLook } from './once-per-look.ts';
import type { ProxyHave } from './proxy-haves.ts';
import { absent } from './tagged.ts';
import type { AwsStep, World } from './world.ts';

/** A statement through the proxy, as the functions will send theirs: the only proof that it works from end to end. */
export function proxyAnswerStep(
  world: World,
  target: AwsStep<ProxyHave>,
  database: AwsStep<DatabaseHave>,
): AwsStep<ProxyHave> {
  const { context, aws, stage } = world;
  return oncePerLook({
    id: 'proxy-answer',
    title: `SELECT 1 through ${nameOf(stage, 'proxy')}`,
    needs: [target, database],
    patienceMs: 5 * 60_000,
    async find(look) {
      const [proxy, behind] = await Promise.all([target.find(look), database.find(look)]);
      if (proxy.state !== 'ready' || !('have' in behind) || behind.have === undefined) return absent;
      const { have } = proxy;
      try {
        const open = await world.openDatabase(behind.have);
        const login = proxyTarget(aws, stage, open.app, have);
        const input = { path: 'lambdapg', text: 'SELECT 1', oneTransaction: true, maxRows: 1, maxSize: 100 };
        await open.run(queryJob, login, input);
        return { state: 'ready', have };
      } catch (error) {
        const why = errorMessage(error);
        const mayNot = stage.cloud.auth === 'iam' && errorCode(error) === 'DATABASE_ACCESS_REFUSED';
        if (!mayNot) return { state: 'unverified', why };
        // Only the functions' roles need this right, not the person who provisions.
        const message = `could not verify a statement through the proxy, because you may not log in as the application: ${why}`;
        context.report({ type: 'proxy-warning', message });
        return { state: 'ready', have };
      }
    },
    // There is nothing to make: the wait is all.
    create: async () => {},
  });
}
