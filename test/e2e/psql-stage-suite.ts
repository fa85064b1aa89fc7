import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Bed, startBed } from '../bed/bed.ts';
import { type DataPlane, startDataPlane } from '../bed/data-plane/data-plane.ts';
import { runCli } from './cli.ts';
import { devEnvironment, makeProject } from './dev.ts';

/** A stage whose functions log in by `auth`. */
export function describeStage(auth: 'secret' | 'iam'): void {
  describe(`a stage with ${auth} authentication`, () => {
    let bed: Bed;
    let plane: DataPlane;

    beforeAll(async () => {
      bed = await startBed();
      plane = await startDataPlane(bed);
    });
    afterAll(async () => {
      await plane.stop();
      await bed.stop();
    });

    test('a private database of a stage is migrated, seeded and asked through the runner', async () => {
      const project = await makeProject();
      const { LAMBDAPG_DB_HOST_MAP: mapped = '', ...rest } = plane.environment;
      const cli = (args: readonly string[], env: Record<string, string> = {}) =>
        runCli(args, { cwd: project, env: { ...devEnvironment(), ...bed.environment, ...rest, ...env } });

      const provisioned = await cli(['provision', '--auth', auth, '--yes', '--no-prices', '--runner']);
      expect([provisioned.exitCode, provisioned.stderr]).toEqual([0, expect.anything()]);

      const migrated = await cli(['migrate', '--stage', 'dev']);
      expect([migrated.stdout, migrated.stderr]).toEqual([
        '1 applied, 0 before',
        expect.stringMatching(/through the runner my-api-dev-runner[\s\S]*0001_library\.sql applied/),
      ]);
      expect((await cli(['seed', '--stage', 'dev'])).stdout).toMatch(
        /^[1-9]\d* inserted, 0 updated, 0 unchanged \(6 files\)$/,
      );

      const asked = await cli([
        'psql',
        '--stage',
        'dev',
        '--csv',
        '-c',
        'SELECT current_user, count(*) > 0 AS books FROM books',
      ]);
      expect(asked.stdout).toBe('current_user,books\nmy_api_app,t');
      const refused = await cli(['psql', '--stage', 'dev', '-c', 'DROP TABLE books']);
      expect([refused.exitCode, refused.stderr]).toEqual([1, expect.stringContaining('must be owner')]);
      const session = await cli(['psql', '--stage', 'dev', '--route', 'direct', '-c', 'SELECT 1']);
      expect([session.exitCode, session.stderr]).toEqual([1, expect.stringContaining('cannot be resolved')]);

      // The same stage by a tunnel, with the certificate of the real name.
      const direct = await cli(['psql', '--stage', 'dev', '--csv', '-c', 'SELECT 1 AS one'], {
        LAMBDAPG_DB_HOST_MAP: mapped,
      });
      expect([direct.stdout, direct.stderr]).toEqual(['one\n1', expect.stringContaining('directly')]);
      const missing = await cli(['migrate', '--stage', 'prod']);
      expect([missing.exitCode, missing.stderr]).toEqual([
        1,
        expect.stringContaining('lambdapg provision --stage prod'),
      ]);
    }, 180_000);
  });
}
