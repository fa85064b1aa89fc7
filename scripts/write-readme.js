// Writes every command's help into README.md between its two markers; `--check` only says whether it is current.
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const file = join(root, 'README.md');
const [begin, end] = ['<!-- commands -->', '<!-- /commands -->'];

const help = (...words) =>
  execFileSync(process.execPath, [join(root, 'bin/run.js'), ...words, '--help'], {
    encoding: 'utf8',
    env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: '0', COLUMNS: '80' },
  }).trim();

export function renderReadme(readme) {
  const manifest = JSON.parse(readFileSync(join(root, 'oclif.manifest.json'), 'utf8'));
  const ids = Object.values(manifest.commands)
    .filter((command) => !command.hidden && !['help', 'autocomplete'].includes(command.id))
    .map((command) => command.id.replaceAll(':', ' '))
    .sort();
  const sections = ids.map((id) => `### lambdapg ${id}\n\n\`\`\`\n${help(...id.split(' '))}\n\`\`\``);
  const [before, rest] = readme.split(begin);
  return `${before}${begin}\n\n${sections.join('\n\n')}\n\n${end}${rest.split(end)[1]}`;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const current = readFileSync(file, 'utf8');
  const fresh = renderReadme(current);
  if (process.argv.includes('--check') && fresh !== current) {
    process.stderr.write('README.md is stale: npm run docs\n');
    process.exitCode = 1;
  } else if (fresh !== current) writeFileSync(file, fresh);
}
