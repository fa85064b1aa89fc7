import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from 'vitest';
import type { CliResult } from './cli.ts';
import type { EngineProject } from './engine-project.ts';

/** What a rotation leaves in the store: neither an engine nor `deploy` may touch it. */
export interface Rotated {
  readonly username: string;
  readonly password: string;
  /** Version and text of each secret that the stage has, by its short name. */
  readonly secrets: Readonly<Record<string, { readonly VersionId: string; readonly SecretString: string }>>;
}

/** The secret that functions read, and behind a proxy that of each slot. */
const names = ['active', 'slot-a', 'slot-b'];

/**
 * `rotate-creds` to the other login, as a person has it of the project's folder: closed, and each function proved.
 *
 * @param user who everybody logs in as afterwards
 * @param route where functions log in: behind a proxy less can be claimed
 */
export async function rotateTo(
  project: EngineProject,
  user: 'shop_a' | 'shop_b',
  route: 'proxy' | 'direct',
): Promise<Rotated> {
  const done = await project.run('rotate-creds', '--yes', '--drain', '1s', '--json');
  const said = done.stdout + done.stderr;
  expect(done.exitCode, said).toBe(0);
  const functions = await consumersOf(project);
  expect(done.json()).toMatchObject({
    ...{ outcome: 'closed', strategy: 'slots', incidents: [] },
    ...{ currentUser: user, claim: route === 'proxy' ? 'zero-expected' : 'zero' },
    consumers: functions.map((id) => ({ id, holds: 'current', proved: true })),
  });
  const rotated = await readRotated(project);
  expect(rotated.username).toBe(user);
  for (const { SecretString } of Object.values(rotated.secrets))
    expect(said).not.toContain(passwordOf(SecretString));
  return rotated;
}

/** The store is as the rotation left it, its login works and the former one does not, and a request is served. */
export async function expectRotated(project: EngineProject, rotated: Rotated, url: string): Promise<void> {
  expect(await readRotated(project)).toEqual(rotated);
  const response = await fetch(`${url}/books?limit=2`);
  const text = await response.text();
  expect([response.status, text.split('"title"').length - 1], text).toEqual([200, 2]);
  const status = await succeed(project.run('rotate-creds', '--status', '--json'));
  const functions = await consumersOf(project);
  expect(status.json()).toMatchObject({
    isOpen: false,
    versions: [
      { label: 'current', user: rotated.username, login: 'ok' },
      { label: 'previous', login: 'bad' },
    ],
    consumers: functions.map((id) => ({ id, holds: 'current' })),
    past: expect.arrayContaining([expect.objectContaining({ outcome: 'closed' })]),
  });
}

/** As `rotate-creds` calls them: each function of `lambdapg.json` behind its alias. */
async function consumersOf({ dir }: EngineProject): Promise<string[]> {
  const { functions } = JSON.parse(await readFile(join(dir, 'lambdapg.json'), 'utf8')) as {
    functions: object;
  };
  return Object.keys(functions).map((name) => `function shop-dev-${name}:live`);
}

async function readRotated({ engines: { bed } }: EngineProject): Promise<Rotated> {
  const { SecretList } = await bed.aws<{ SecretList: { Name: string }[] }>({
    ...{ service: 'secretsmanager', action: 'ListSecrets', input: {} },
  });
  const there = new Set(SecretList.map(({ Name }) => Name));
  const found = names.filter((name) => there.has(`shop-dev/${name}`));
  const secrets = Object.fromEntries(
    await Promise.all(
      found.map(async (name) => {
        const { VersionId, SecretString } = await bed.aws<Rotated['secrets'][string]>({
          ...{ service: 'secretsmanager', action: 'GetSecretValue', input: { SecretId: `shop-dev/${name}` } },
        });
        return [name, { VersionId, SecretString }] as const;
      }),
    ),
  );
  const { username, password } = JSON.parse(secrets.active?.SecretString ?? '{}') as Rotated;
  return { username, password, secrets };
}

const passwordOf = (text: string): string => (JSON.parse(text) as { password: string }).password;

async function succeed(running: Promise<CliResult>): Promise<CliResult> {
  const done = await running;
  expect(done.exitCode, done.stdout + done.stderr).toBe(0);
  return done;
}
