#!/usr/bin/env -S node --import tsx
// Runs the commands from source: `node --import tsx bin/dev.mjs <command>`. oclif would prefer the built ones, which its
// manifest names, so the plugin is made here without it.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execute, Plugin } from '@oclif/core';

const root = fileURLToPath(new URL('..', import.meta.url)).replace(/[\\/]$/, '');
const pjson = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
pjson.oclif.commands = { strategy: 'pattern', target: './src/commands' };
pjson.oclif.hooks = { command_not_found: './src/hooks/command-not-found.ts' };
const plugin = new Plugin({ root, pjson, type: 'core', ignoreManifest: true });
await plugin.load();
await execute({ loadOptions: { root, pjson, plugins: new Map([[plugin.name, plugin]]) } });
