import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import * as z from 'zod';

const fileSchema = z.object({ url: z.url(), pid: z.int().positive() });

const fileOf = (projectDir: string): string => join(projectDir, '.lambdapg', 'dev.json');

/** Lets other commands find the `lambdapg dev` that serves a project. Returns its undoing. */
export async function announceDev(projectDir: string, url: string): Promise<() => Promise<void>> {
  const file = fileOf(projectDir);
  await mkdir(dirname(file), { recursive: true });
  await writeFile(file, JSON.stringify({ url, pid: process.pid }));
  return async () => {
    // A second one, started later, has its own line there.
    if ((await readAddress(projectDir))?.pid === process.pid) await rm(file, { force: true });
  };
}

/** The URL of the `lambdapg dev` that serves the project now; a killed one leaves its file but no process. */
export async function findDev(projectDir: string): Promise<string | undefined> {
  const address = await readAddress(projectDir);
  return address !== undefined && isAlive(address.pid) ? address.url : undefined;
}

async function readAddress(projectDir: string): Promise<z.infer<typeof fileSchema> | undefined> {
  try {
    return fileSchema.parse(JSON.parse(await readFile(fileOf(projectDir), 'utf8')));
  } catch {
    return undefined;
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
