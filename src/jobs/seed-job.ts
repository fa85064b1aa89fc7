import type { Job } from '../database/route.ts';
import { readSqlScript } from '../seed/read-sql.ts';
import { type SeedResult, seed } from '../seed/seed.ts';
import { findSeeds } from '../seed/seed-files.ts';

export interface SeedInput {
  readonly ownerRole?: string;
  /** Absolute. */
  readonly projectDir: string;
  /** Names, or paths from the project or from where the person stands; all seeds when absent. */
  readonly files?: readonly string[];
  readonly truncate: boolean;
  readonly dryRun: boolean;
}

const directory = 'seeds';

export const seedJob: Job<SeedInput, SeedResult> = {
  name: 'seed',
  work(context, admin, { ownerRole, ...options }) {
    const target = { admin, ...(ownerRole !== undefined && { ownerRole }) };
    return seed(context, { target, directory, ...options });
  },
  /** Only what is asked for travels. The server does not see a file whose SQL cannot be read here. */
  async pack({ cwd }, input) {
    const seeds = await findSeeds(input.projectDir, directory, { files: input.files, cwd });
    for (const { kind, path } of seeds) if (kind === 'sql') await readSqlScript(input.projectDir, path);
    const { files: _given, ...rest } = input;
    return { input: rest, project: { dir: input.projectDir, files: seeds.map(({ path }) => path) } };
  },
};
