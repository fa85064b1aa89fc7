/*
 * Runs the CDK apps of several projects in one process, as `cdk synth` runs each: the library is loaded once. Arguments: the
 * projects' folders. Each assembly goes where cdk.json says.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

for (const directory of process.argv.slice(2)) {
  const app = JSON.parse(await readFile(join(directory, 'cdk.json'), 'utf8')) as {
    context: object;
    output: string;
  };
  const kept = await readFile(join(directory, 'cdk.context.json'), 'utf8').catch(() => '{}');
  const silent = { 'aws:cdk:version-reporting': false, 'aws:cdk:path-metadata': false };
  // Read by each app when it is made.
  process.env.CDK_OUTDIR = join(directory, app.output);
  const given = JSON.parse(process.env.CONTEXT ?? '{}') as object;
  process.env.CDK_CONTEXT_JSON = JSON.stringify({
    ...app.context,
    ...(JSON.parse(kept) as object),
    ...silent,
    ...given,
  });
  await import(pathToFileURL(join(directory, 'infra/main.ts')).href);
}
