import { chmod, rm, stat } from 'node:fs/promises';
import { afterEach } from 'vitest';
import { readPostmasterFile } from '../../../src/local/postgres/postmaster-file.ts';
import { resetLocalPostgres } from '../../../src/local/postgres/reset-local-postgres.ts';
import { makeTempDir, testContext } from '../../postgres-server.ts';

/** `nobody` on every Linux. */
export const nobody = 65_534;

/** What is run after the test, last first. */
export const cleanUps: (() => unknown)[] = [];
afterEach(async () => {
  for (const cleanUp of cleanUps.splice(0).reverse()) await cleanUp();
});

/** A folder whose server, data and self are gone after the test. */
export async function makeProject(mode: number): Promise<string> {
  const projectDir = await makeTempDir();
  await chmod(projectDir, mode);
  cleanUps.push(async () => {
    await resetLocalPostgres(testContext(), { projectDir, major: 17 });
    await rm(projectDir, { recursive: true, force: true });
  });
  return projectDir;
}

/** The uid that the kernel gives the postmaster, seen from here. */
export async function postmasterUid(dataDir: string): Promise<number> {
  const pid = (await readPostmasterFile(dataDir))?.pid;
  return (await stat(`/proc/${pid}`)).uid;
}
