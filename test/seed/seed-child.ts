import { Secret } from '../../src/secret.ts';
import { seed } from '../../src/seed/seed.ts';

/* A `seed` in a process of its own, which prints what it did and the most memory it had (KiB). */
const { projectDir, target, password } = JSON.parse(process.env.LAMBDAPG_TEST_SEED ?? '{}');
const { files } = await seed(
  {
    cwd: projectDir,
    env: {},
    signal: new AbortController().signal,
    report: () => {},
    packageDir: projectDir,
    version: '0.0.0',
  },
  {
    target: { ...target, admin: { ...target.admin, password: new Secret(password) } },
    projectDir,
    directory: 'seeds',
    truncate: false,
    dryRun: false,
  },
);
process.stdout.write(JSON.stringify({ files, maxRssKib: process.resourceUsage().maxRSS }));
