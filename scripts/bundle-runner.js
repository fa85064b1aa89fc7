// The in-VPC runner: one file that Lambda runs as it is, without lambdapg around it. Used by the build and by tests.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** @param {import('esbuild').BuildOptions} options where to, and how small */
export function bundleRunner(options) {
  return build({
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    mainFields: ['module', 'main'],
    external: ['pg-native'],
    legalComments: 'none',
    metafile: true,
    absWorkingDir: root,
    entryPoints: [join(root, 'src/providers/aws/routes/runner-handler.ts')],
    format: 'esm',
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    ...options,
  });
}
