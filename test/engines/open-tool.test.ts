import { existsSync } from 'node:fs';
import { readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { cdk } from '../../src/engines/cdk.ts';
import type { Engine } from '../../src/engines/engine.ts';
import { sam } from '../../src/engines/sam.ts';
import { serverless } from '../../src/engines/serverless.ts';
import { terraform } from '../../src/engines/terraform.ts';
import { Cancelled } from '../../src/errors.ts';
import { callsIn, makePlace, open, putTool } from './fake-tool.ts';

/** What each tool prints of its version. */
const versions = {
  cdk: (version: string) => `echo "${version} (build fcf5e34)"`,
  osls: (version: string) => `echo "osls version: ${version}"`,
  terraform: (version: string) => `echo '{'; echo '  "terraform_version": "${version}",'; echo '}'`,
  aws: (version: string) => `echo "aws-cli/${version} Python/3.13.9 Linux/6.1 exe/x86_64.debian.12"`,
};

type File = keyof typeof versions;
const engineOf: Record<File, Engine> = { cdk, osls: serverless, terraform, aws: sam };

describe('an engine’s tool', () => {
  test.each([
    ['cdk', '2.1148.1'],
    ['cdk', '2.1200.0'],
    ['osls', '4.3.1'],
    ['terraform', '1.11.4'],
    ['aws', '1.46.3'],
    ['aws', '2.31.0'],
  ] as const)('%s %s is taken', async (file, version) => {
    const place = await makePlace();
    await putTool(place.bin, file, versions[file](version));
    expect((await open(place, engineOf[file])).version).toBe(version);
  });

  test.each([
    ['cdk', '3.0.0', /older than its number/],
    ['cdk', '2.178.2', /takes cdk >=2\.1148\.1 <3/],
    ['osls', '3.61.0', /takes osls \^4\.3\.1/],
    ['terraform', '1.5.7', /takes terraform >=1\.10\.0 <2/],
    ['aws', '1.16.0', /takes aws >=1\.29\.0 <3/],
  ] as const)('%s %s is refused by name', async (file, version, why) => {
    const place = await makePlace();
    await putTool(place.bin, file, versions[file](version));
    await expect(open(place, engineOf[file])).rejects.toMatchObject({
      code: 'ENGINE_TOOL_VERSION',
      message: expect.stringMatching(
        new RegExp(`^${file} is ${version.replaceAll('.', '\\.')}: .*${why.source}`),
      ),
    });
  });

  test.each([
    ['cdk', 'npm install --save-dev "aws-cdk@>=2.1148.1 <3"'],
    ['osls', 'npm install --save-dev "osls@^4.3.1"'],
    ['terraform', 'https://developer.hashicorp.com/terraform/install'],
    ['aws', 'https://docs.aws.amazon.com/cli/latest/userguide/getting-started-install.html'],
  ] as const)('%s that is not there comes with the command that installs it', async (file, install) => {
    await expect(open(await makePlace(), engineOf[file])).rejects.toMatchObject({
      code: 'ENGINE_TOOL_MISSING',
      message: `${file}, by which this project is deployed, does not run here`,
      suggestions: expect.arrayContaining([install]),
    });
  });

  test('is not Serverless Framework 4 under the name of osls', async () => {
    const place = await makePlace();
    await putTool(place.bin, 'osls', 'echo; echo "Serverless ϟ Framework 4.43.0"');
    await expect(open(place, serverless)).rejects.toMatchObject({
      code: 'ENGINE_TOOL_VERSION',
      message: expect.stringContaining('another program (Serverless ϟ Framework 4.43.0)'),
      suggestions: expect.arrayContaining([expect.stringContaining('proprietary')]),
    });
  });

  test('that breaks says so in its own words', async () => {
    const place = await makePlace();
    await putTool(place.bin, 'terraform', 'echo "cannot execute binary file" >&2; exit 126');
    await expect(open(place, terraform)).rejects.toMatchObject({
      code: 'ENGINE_TOOL_MISSING',
      message: expect.stringContaining('cannot execute binary file'),
    });
  });

  test('is not said to be missing when its files are', async () => {
    const place = await makePlace();
    await putTool(place.bin, 'terraform', versions.terraform('1.11.4'));
    await rm(join(place.project.dir, 'infra'), { recursive: true });
    await expect(open(place, terraform)).rejects.toMatchObject({
      code: 'ENGINE_FILES_MISSING',
      message: expect.stringMatching(/^infra, where terraform works, is not in /),
    });
  });

  test('is the project’s own before any other', async () => {
    const place = await makePlace();
    await putTool(place.bin, 'cdk', versions.cdk('3.0.0'));
    await putTool(join(place.project.dir, 'node_modules/.bin'), 'cdk', versions.cdk('2.1148.1'));
    expect((await open(place, cdk)).version).toBe('2.1148.1');
  });

  test('works in the region, and with the profile, that lambdapg works with', async () => {
    const place = await makePlace({ AWS_ACCESS_KEY_ID: 'key', AWS_REGION: 'us-east-1' });
    await putTool(place.bin, 'cdk', `${versions.cdk('2.1148.1')}\nenv > '${place.bin}/env'`);
    await (await open(place, cdk)).read(['diff']);
    const seen = () => readFile(join(place.bin, 'env'), 'utf8');
    expect(await seen()).toMatch(/^AWS_REGION=eu-central-1$/m);
    expect(await seen()).toMatch(/^AWS_ACCESS_KEY_ID=key$/m);
    const stage = { ...place.stage, profile: 'ci' };
    await (await open({ ...place, stage }, cdk)).read(['diff']);
    expect(await seen()).toMatch(/^AWS_PROFILE=ci$/m);
    expect(await seen()).not.toMatch(/^AWS_ACCESS_KEY_ID/m);
  });
});

describe('a run of it', () => {
  const answering = (rest: string) =>
    `[ "$1" = --version ] && ${versions.cdk('2.1148.1')} && exit 0\n${rest}`;

  test('that fails is told by its exit code, unless that means something', async () => {
    const place = await makePlace();
    await putTool(place.bin, 'cdk', answering('exit 2'));
    const tool = await open(place, cdk);
    await expect(tool.run(['deploy', 'shop-dev', '--force'])).rejects.toMatchObject({
      code: 'ENGINE_FAILED',
      message: 'cdk deploy shop-dev ended with exit code 2; its own words are above',
      exit: 1,
    });
    expect(await tool.run(['deploy'], { accept: [0, 2] })).toBe(2);
    expect(await callsIn(place.bin)).toContain('deploy shop-dev --force');
  });

  test('is interrupted by Ctrl-C, and waited for while it puts its things in order', async () => {
    const place = await makePlace();
    const begun = join(place.bin, 'begun');
    const tidied = join(place.bin, 'tidied');
    // `wait` ends at once for a signal, and what stands in the trap is done to its end.
    const rest = `sleep 60 & trap 'kill $!; sleep 0.3; : > ${tidied}; exit 130' INT; : > ${begun}; wait`;
    await putTool(place.bin, 'cdk', answering(rest));
    const tool = await open(place, cdk);
    const running = tool.run(['deploy']);
    const ended = expect(running).rejects.toBeInstanceOf(Cancelled);
    await expect.poll(() => existsSync(begun)).toBe(true);
    place.context.cancel(new Cancelled('stopped by Ctrl-C'));
    await ended;
    expect(existsSync(tidied)).toBe(true);
  });
});
