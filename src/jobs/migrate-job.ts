import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Job } from '../database/route.ts';
import { errorCode } from '../errors.ts';
import { type MigrateResult, migrate } from '../seed/migrate.ts';
import { readMigrations } from '../seed/migration-files.ts';

export interface MigrateInput {
  readonly ownerRole?: string;
  /** Absolute. */
  readonly projectDir: string;
  readonly dryRun: boolean;
}

const directory = 'migrations';

export const migrateJob: Job<MigrateInput, MigrateResult> = {
  name: 'migrate',
  work(context, admin, { ownerRole, projectDir, dryRun }) {
    const target = { admin, ...(ownerRole !== undefined && { ownerRole }) };
    return migrate(context, { target, projectDir, directory, dryRun });
  },
  async pack(_context, input) {
    await readMigrations(input.projectDir, directory);
    const { projectDir: dir } = input;
    const names = (await listFolder(join(dir, directory))).filter((name) => /\.sql$/i.test(name));
    return { input, project: { dir, files: names.map((name) => `${directory}/${name}`) } };
  },
};

async function listFolder(folder: string): Promise<string[]> {
  try {
    return await readdir(folder);
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return [];
    throw error;
  }
}
