import { Secret } from '../../src/secret.ts';
import { migrate } from '../../src/seed/migrate.ts';

/*
 * A `migrate` in a process of its own, which kills itself (SIGKILL) at the event that LAMBDAPG_TEST_KILL_AT names.
 */
const { projectDir, target, password } = JSON.parse(process.env.LAMBDAPG_TEST_MIGRATE ?? '{}');
const killAt = process.env.LAMBDAPG_TEST_KILL_AT;

await migrate(
  {
    cwd: projectDir,
    env: {},
    signal: new AbortController().signal,
    report(event) {
      if (event.type === killAt) process.kill(process.pid, 'SIGKILL');
    },
    packageDir: projectDir,
    version: '0.0.0',
  },
  {
    target: { ...target, admin: { ...target.admin, password: new Secret(password) } },
    projectDir,
    directory: 'migrations',
    dryRun: false,
  },
);
