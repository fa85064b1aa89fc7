// The functions that lambdapg brings along: one file each, which Lambda runs as it is. Used by the build and by tests.
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = fileURLToPath(new URL('..', import.meta.url));

/** Works on a private database. @param {import('esbuild').BuildOptions} options where to, and how small */
export const bundleRunner = (options) => bundleHandler('routes/runner-handler', options);

/** Brings a schema up to date during a deployment. @param {import('esbuild').BuildOptions} options where to, and how small */
export const bundleSchema = (options) => bundleHandler('routes/schema-handler', options);

/** Rotates a secret when Secrets Manager calls. @param {import('esbuild').BuildOptions} options where to, and how small */
export const bundleRotation = (options) =>
  bundleHandler('rotation/rotation-function/rotation-handler', options);

function bundleHandler(name, options) {
  return build({
    bundle: true,
    platform: 'node',
    target: 'node20.19',
    mainFields: ['module', 'main'],
    external: ['pg-native'],
    legalComments: 'none',
    metafile: true,
    absWorkingDir: root,
    entryPoints: [join(root, `src/providers/aws/${name}.ts`)],
    format: 'esm',
    banner: { js: "import{createRequire as __cr}from'node:module';const require=__cr(import.meta.url);" },
    ...options,
  });
}
