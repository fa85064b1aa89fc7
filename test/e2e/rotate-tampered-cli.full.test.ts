import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { exitCodes } from '../../src/errors.ts';
import { Secret } from '../../src/secret.ts';
import { type RotateOutput, type RotationBed, startRotationBed } from './rotation-bed.ts';

interface Said extends RotateOutput {
  readonly stopped?: { readonly code: string; readonly why: string; readonly suggestions: readonly string[] };
  readonly incidents?: readonly string[];
  readonly versions?: readonly object[];
}

/** Asks Secrets Manager as a person does. */
const ask = <Output>({ cloud }: RotationBed, action: string, more: Record<string, unknown> = {}) =>
  cloud.bed.aws<Output>({
    ...{ service: 'secretsmanager', action, plain: false },
    input: { SecretId: 'shop-dev/active', ...more },
  });

async function versionOf(bed: RotationBed, label: string): Promise<string | undefined> {
  const { VersionIdsToStages: stages } = await ask<{ VersionIdsToStages: Record<string, string[]> }>(
    bed,
    'DescribeSecret',
  );
  return Object.keys(stages).find((version) => stages[version]?.includes(label));
}

async function rotate(bed: RotationBed, ...args: string[]): Promise<Said & { exitCode: number | undefined }> {
  const { exitCode, output } = await bed.rotate(...args);
  return { ...output, exitCode };
}

/** AWSCURRENT logs in, and so does every function. */
async function expectWell(bed: RotationBed): Promise<void> {
  expect((await bed.login()).refusal).toBe('');
  for (const { title, invoke } of bed.targets)
    expect(await invoke('{"reconnect":true}'), title).not.toHaveProperty('failure');
}

const closed = { exitCode: exitCodes.done, outcome: 'closed' };

test('what was done by hand is put right by the command that rotate-creds names', async () => {
  const bed = await startRotationBed({ plane: { checksNetwork: false } });
  const server = bed.cloud.plane.databases.find('instance', 'shop-dev-db')?.server;
  expect(await rotate(bed, '--yes')).toMatchObject({ ...closed, currentUser: 'shop_b' });

  // Nothing that is stored logs in.
  const breaks = [
    () => server?.setPassword('shop_b', new Secret(`by-hand-${randomUUID()}`)),
    () => server?.asAdmin((client) => client.query('ALTER ROLE shop_b NOLOGIN')),
  ];
  for (const spoil of breaks) {
    await spoil();
    const incident = await rotate(bed, '--resume');
    expect(incident).toMatchObject({
      ...{ exitCode: exitCodes.incident, outcome: 'incident' },
      stopped: {
        code: 'CURRENT_REFUSED',
        why: expect.stringContaining('shop_b'),
        suggestions: [expect.stringContaining('lambdapg rotate-creds --repair')],
      },
    });
    expect(await rotate(bed, '--repair')).toMatchObject({ ...closed, currentUser: 'shop_b' });
    await expectWell(bed);
  }

  // AWSCURRENT stands on a login that is dead.
  await ask(bed, 'UpdateSecretVersionStage', {
    VersionStage: 'AWSCURRENT',
    MoveToVersionId: await versionOf(bed, 'AWSPREVIOUS'),
    RemoveFromVersionId: await versionOf(bed, 'AWSCURRENT'),
  });
  expect((await bed.login()).refusal).toMatch(/authentication failed/);
  const turned = await rotate(bed, '--resume');
  expect(turned).toMatchObject({ ...closed, currentUser: 'shop_b' });
  expect(turned.incidents).toHaveLength(1);
  await expectWell(bed);

  // A stranger's value is neither set nor made current.
  await ask(bed, 'PutSecretValue', {
    ...{ ClientRequestToken: randomUUID(), VersionStages: ['AWSPENDING'] },
    SecretString: JSON.stringify({ username: 'intruder', password: 'of an intruder' }),
  });
  const foreign = await rotate(bed, '--resume');
  const pending = await versionOf(bed, 'AWSPENDING');
  expect(foreign).toMatchObject({ exitCode: exitCodes.notDone, error: { code: 'FOREIGN_PENDING' } });
  expect(foreign.error?.message).toContain('"intruder"');
  expect(JSON.stringify(foreign.error)).toContain(
    `--version-stage AWSPENDING --remove-from-version-id ${pending}`,
  );
  expect(JSON.stringify(foreign.error)).toContain('lambdapg rotate-creds --rollback');
  expect(await rotate(bed, '--rollback')).toMatchObject({
    ...{ exitCode: 0, outcome: 'rolled back', effects: [{ name: 'clear-pending' }] },
  });
  expect(await rotate(bed, '--resume')).toMatchObject(closed);
  expect(await rotate(bed, '--yes')).toMatchObject({ ...closed, currentUser: 'shop_a' });
  await expectWell(bed);

  // A login that works though no label leads to it any more.
  const previous = await versionOf(bed, 'AWSPREVIOUS');
  const { SecretString } = await ask<{ SecretString: string }>(bed, 'GetSecretValue', {
    VersionId: previous,
  });
  const lost = JSON.parse(SecretString) as { username: string; password: string };
  await server?.setPassword(lost.username, new Secret(lost.password));
  await ask(bed, 'UpdateSecretVersionStage', { VersionStage: 'AWSPREVIOUS', RemoveFromVersionId: previous });
  const told = await rotate(bed, '--status');
  expect(told).toMatchObject({ exitCode: exitCodes.done, isOpen: true });
  expect(told.versions).toContainEqual(
    expect.objectContaining({ label: 'unlabelled', user: 'shop_b', versionId: previous, login: 'ok' }),
  );
  const retired = await rotate(bed, '--resume');
  expect(retired).toMatchObject({ ...closed, currentUser: 'shop_a' });
  expect(retired.effects).toContainEqual(expect.objectContaining({ name: 'retire' }));
  expect(await rotate(bed, '--status')).toMatchObject({ isOpen: false });
  expect(await rotate(bed, '--resume')).toMatchObject({ ...closed, effects: [] });
  await expectWell(bed);
}, 900_000);
