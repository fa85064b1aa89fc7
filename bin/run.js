#!/usr/bin/env node
// The version is checked before anything modern is parsed, so an old Node says what it is and not "SyntaxError".
const [major, minor] = process.versions.node.split('.').map(Number);
if (major < 20 || (major === 20 && minor < 19)) {
  process.stderr.write(
    `lambdapg needs Node 20.19 or newer, and this is Node ${process.versions.node} (${process.execPath})\n` +
      'Install a current one from https://nodejs.org or with your version manager (nvm install 24).\n',
  );
  process.exit(1);
}
// CommonJS, see package.json beside this file: starting Node's loader of ES modules costs as much as parsing oclif.
const { enableCompileCache } = require('node:module');
// Node 22.1 and later.
if (enableCompileCache) enableCompileCache();
void require('../dist/oclif.cjs').execute({ dir: require('node:path').dirname(__dirname) });
