// Writes an upgrade of the folder argv[2] and kills itself at the argv[3]-th change of the file system that it makes.
import { createRequire, syncBuiltinESMExports } from 'node:module';

const [, , directory = '', at = '0'] = process.argv;
const files = createRequire(import.meta.url)('node:fs/promises') as Record<string, unknown>;
let count = 0;
for (const name of ['writeFile', 'rename', 'rm', 'rmdir', 'mkdir', 'copyFile', 'chmod']) {
  const original = files[name] as (...args: unknown[]) => Promise<unknown>;
  files[name] = async (...args: unknown[]) => {
    count += 1;
    if (count === Number(at)) process.kill(process.pid, 'SIGKILL');
    return original(...args);
  };
}
syncBuiltinESMExports();
const { writeAll } = await import('../../src/scaffold/upgrade/journal.ts');
const { steps } = await import('./upgrade-steps.ts');
await writeAll(directory, '2.0.0', steps, new AbortController().signal, async () => {});
process.stdout.write(`${count}`);
