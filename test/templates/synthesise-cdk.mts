/*
 * Runs the CDK apps of several projects in one process, as `cdk synth` runs each: the library is loaded once. Arguments: the
 * projects' folders. Each assembly goes to cdk.out there.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

for (const directory of process.argv.slice(2)) {
  const { context } = JSON.parse(await readFile(join(directory, 'cdk.json'), 'utf8')) as { context: object };
  const kept = await readFile(join(directory, 'cdk.context.json'), 'utf8').catch(() => '{}');
  const silent = { 'aws:cdk:version-reporting': false, 'aws:cdk:path-metadata': false };
  // Read by each app when it is made.
  process.env.CDK_OUTDIR = join(directory, 'cdk.out');
  process.env.CDK_CONTEXT_JSON = JSON.stringify({ ...context, ...(JSON.parse(kept) as object), ...silent });
  await import(pathToFileURL(join(directory, 'infra/main.ts')).href);
}
