// Builds what is published: dist/ (oclif, one bundle a command, shared chunks), schema/, oclif.manifest.json, licences.
import { cp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { build } from 'esbuild';
import { bundleRotation, bundleRunner, bundleSchema } from './bundle-runner.js';
import { nodePg } from './node-pg.js';
import { slimSdk } from './slim-sdk.js';

const root = fileURLToPath(new URL('..', import.meta.url));
const dist = join(root, 'dist');

async function entryPoints() {
  const entries = {};
  for (const folder of ['commands', 'hooks']) {
    for (const name of await readdir(join(root, 'src', folder), { recursive: true })) {
      if (name.endsWith('.ts')) entries[`${folder}/${name.slice(0, -3)}`] = join(root, 'src', folder, name);
    }
  }
  // oclif's own plugins, bundled: loading them as plugins would cost a package.json and a manifest each at start-up.
  for (const command of ['autocomplete/index', 'autocomplete/create', 'autocomplete/script']) {
    entries[`commands/${command}`] = join(
      root,
      `node_modules/@oclif/plugin-autocomplete/lib/commands/${command}.js`,
    );
  }
  entries['commands/help'] = join(root, 'node_modules/@oclif/plugin-help/lib/commands/help.js');
  return entries;
}

/** Names stay: `keepNames` would pay for short ones with a call for each function, and stacks would name nobody. */
const common = {
  bundle: true,
  platform: 'node',
  target: 'node20.19',
  // jsonc-parser's CommonJS form hides its imports from a bundler.
  mainFields: ['module', 'main'],
  minifyWhitespace: true,
  minifySyntax: true,
  metafile: true,
  absWorkingDir: root,
  external: ['esbuild', 'pg-native', 'typescript', 'ts-node', '#oclif'],
  legalComments: 'none',
  define: {
    'process.env.NODE_ENV': '"production"',
    // bin/run.js has looked at the version; oclif's own look loads all of semver.
    'process.env.OCLIF_DISABLE_ENGINE_WARNING': '"1"',
    // Which SDK runs on which Node is decided here, with the package's `engines`.
    'process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED': '"true"',
  },
};

/** oclif alone, as CommonJS: `--version` and `--help` need nothing else, and Node loads an ES module much slower. */
function bundleOclif() {
  return build({
    ...common,
    // What starts a command is less than what a command is made of.
    stdin: {
      contents: `module.exports = { execute: require('@oclif/core/execute').execute, get core() { return require('@oclif/core'); } }`,
      resolveDir: root,
    },
    format: 'cjs',
    outfile: join(dist, 'oclif.cjs'),
  });
}

/** The commands share the oclif that runs them (`imports` in package.json). */
const sharedOclif = {
  name: 'shared-oclif',
  setup(builder) {
    builder.onResolve({ filter: /^@oclif\/core$/ }, () => ({ path: 'core', namespace: 'shared-oclif' }));
    builder.onLoad({ filter: /.*/, namespace: 'shared-oclif' }, () => ({
      contents: "module.exports = require('#oclif').core",
    }));
  },
};

async function bundleCommands() {
  return build({
    ...common,
    entryPoints: await entryPoints(),
    outdir: dist,
    splitting: true,
    format: 'esm',
    chunkNames: 'chunks/[name]-[hash]',
    banner: {
      js: "import{createRequire as __cr}from'node:module';import{fileURLToPath as __fu}from'node:url';import{dirname as __dn}from'node:path';const require=__cr(import.meta.url),__filename=__fu(import.meta.url),__dirname=__dn(__filename);",
    },
    plugins: [sharedOclif, slimSdk, nodePg],
  });
}

/** What is bundled is redistributed, so its licences go along. */
async function writeLicences(builds) {
  const packages = new Set();
  for (const input of builds.flatMap(({ metafile }) => Object.keys(metafile.inputs))) {
    const match = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(input);
    if (match) packages.add(match[1]);
  }
  const texts = [];
  for (const folder of [...packages].sort()) {
    const { name, version, license } = JSON.parse(await readFile(join(root, folder, 'package.json'), 'utf8'));
    const file = (await readdir(join(root, folder))).find((entry) => /^(licen[cs]e|copying)/i.test(entry));
    const text = file === undefined ? '' : await readFile(join(root, folder, file), 'utf8');
    texts.push(
      `${name}@${version} (${typeof license === 'string' ? license : 'see below'})\n\n${text.trim()}\n`,
    );
  }
  await writeFile(join(dist, 'THIRD-PARTY-LICENSES.txt'), texts.join(`\n${'-'.repeat(80)}\n\n`));
}

async function writeManifest() {
  await rm(join(root, 'oclif.manifest.json'), { force: true });
  const { Plugin } = await import('@oclif/core');
  const plugin = new Plugin({
    root,
    type: 'core',
    ignoreManifest: true,
    errorOnManifestCreate: true,
    respectNoCacheDefault: true,
  });
  await plugin.load();
  await writeFile(join(root, 'oclif.manifest.json'), JSON.stringify(plugin.manifest));
}

async function writeSchema() {
  const out = join(dist, '.schema.mjs');
  await build({
    stdin: {
      contents: `import { z } from 'zod'; import { configSchema } from './src/project/config-schema.ts';
        export default z.toJSONSchema(configSchema, { io: 'input' });`,
      resolveDir: root,
    },
    bundle: true,
    format: 'esm',
    platform: 'node',
    outfile: out,
    logLevel: 'error',
  });
  const { default: schema } = await import(pathToFileURL(out).href);
  await rm(out);
  await mkdir(join(root, 'schema'), { recursive: true });
  const titled = { $schema: schema.$schema, title: 'lambdapg.json', ...schema };
  await writeFile(join(root, 'schema/lambdapg.schema.json'), `${JSON.stringify(titled, null, 2)}\n`);
}

async function copyRuntimeClients() {
  const from = join(root, 'src/local/lambda/runtime-clients');
  await cp(from, join(dist, 'runtime-clients'), {
    recursive: true,
    filter: (path) => !path.includes('__pycache__'),
  });
}

await rm(dist, { recursive: true, force: true });
await writeLicences([
  await bundleOclif(),
  await bundleCommands(),
  await bundleRunner({ minifyWhitespace: true, minifySyntax: true, outfile: join(dist, 'runner/index.mjs') }),
  await bundleSchema({ minifyWhitespace: true, minifySyntax: true, outfile: join(dist, 'schema/index.mjs') }),
  await bundleRotation({
    ...{ minifyWhitespace: true, minifySyntax: true },
    outfile: join(dist, 'rotation/index.mjs'),
  }),
]);
await writeSchema();
await copyRuntimeClients();
await writeManifest();
