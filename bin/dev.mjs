#!/usr/bin/env -S node --import tsx
// Runs the commands from source: `node --import tsx bin/dev.mjs <command>`.
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { execute } from '@oclif/core';

const root = fileURLToPath(new URL('..', import.meta.url));
const pjson = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'));
pjson.oclif.commands = { strategy: 'pattern', target: './src/commands' };
pjson.oclif.hooks = { command_not_found: './src/hooks/command-not-found.ts' };
await execute({ loadOptions: { root, pjson, ignoreManifest: true } });
