import { afterAll, beforeEach, describe, expect, test } from 'vitest';
import { configSchema } from '../../../../src/project/config-schema.ts';
import { parseProjectName } from '../../../../src/project/names.ts';
import { fillSecrets, verifySecretSource } from '../../../../src/providers/aws/engine/fill-secrets.ts';
import { takeLook } from '../../../../src/providers/aws/look.ts';
import { type OpenWorld, openWorld } from '../../../../src/providers/aws/open-world.ts';
import { type Bed, startBed } from '../../../bed/bed.ts';
import { testContext } from '../../../postgres-server.ts';

let bed: Bed;
let stages = 0;
let stage: string;

beforeEach(async () => {
  bed ??= await startBed();
  Object.assign(process.env, bed.environment);
  stages += 1;
  stage = `s${stages}`;
});
afterAll(() => bed.stop());

async function openStage(cloud: object, env: Record<string, string> = {}): Promise<OpenWorld> {
  const config = configSchema.parse({
    ...{ name: 'shop', template: 'api', engine: 'sam', language: 'node', runtime: 'nodejs24.x', cloud },
    functions: { api: { handler: 'src/api.handler' } },
  });
  const project = { dir: '/nowhere', config, names: parseProjectName('shop') };
  return openWorld(testContext({ env }), project, { stage });
}

const idOf = (name: string): string => `shop-${stage}/${name}`;

const ask = (action: string, input: object) =>
  bed.aws<{ SecretString?: string }>({ service: 'secretsmanager', action, input: { ...input } });

/** An empty container, as engines make it. */
async function makeContainer(name: string, project = 'shop'): Promise<void> {
  const Tags = [
    { Key: 'lambdapg:project', Value: project },
    { Key: 'lambdapg:stage', Value: stage },
  ];
  await ask('CreateSecret', { Name: idOf(name), Tags });
}

const read = async (name: string): Promise<Record<string, unknown>> =>
  JSON.parse((await ask('GetSecretValue', { SecretId: idOf(name) })).SecretString ?? '') as Record<
    string,
    unknown
  >;

const fill = (world: OpenWorld): Promise<string[]> => fillSecrets(world, takeLook(world.aws, world.stage));

describe('secrets that an engine made empty', () => {
  test('get logins once: the slot that is active has its password, the other one its own', async () => {
    const world = await openStage({ proxy: {} });
    for (const name of ['active', 'slot-a', 'slot-b']) await makeContainer(name);
    expect(await fill(world)).toEqual([idOf('active'), idOf('slot-a'), idOf('slot-b')]);
    const [active, a, b] = await Promise.all(['active', 'slot-a', 'slot-b'].map(read));
    expect(active).toMatchObject({ username: 'shop_a', engine: 'postgres' });
    expect(a).toEqual(active);
    expect(b).toMatchObject({ username: 'shop_b' });
    expect(b?.password).not.toBe(active?.password);
    expect(await fill(world)).toEqual([]);
  });

  test('keep a value that a rotation gave them', async () => {
    const world = await openStage({ proxy: {} });
    for (const name of ['active', 'slot-a', 'slot-b']) await makeContainer(name);
    const rotated = { username: 'shop_b', password: 'rotated' };
    await ask('PutSecretValue', { SecretId: idOf('active'), SecretString: JSON.stringify(rotated) });
    expect(await fill(world)).toEqual([idOf('slot-a'), idOf('slot-b')]);
    expect(await read('active')).toEqual(rotated);
    expect(await read('slot-b')).toMatchObject(rotated);
    expect((await read('slot-a')).password).not.toBe('rotated');
  });

  test('of somebody else are not touched, and those that nobody made are not missed', async () => {
    await makeContainer('active', 'another');
    await expect(fill(await openStage({}))).rejects.toMatchObject({ code: 'SECRET_FOREIGN' });
    stage = 'bare';
    expect(await fill(await openStage({}))).toEqual([]);
  });
});

describe('a database outside AWS', () => {
  const url = { database: { kind: 'url' } };

  test('has its URL from the environment, in parts', async () => {
    await makeContainer('active');
    const world = await openStage(url, { DATABASE_URL: 'postgres://ada:p%40ss@db.example.com:6432/books' });
    await verifySecretSource(world);
    expect(await fill(world)).toEqual([idOf('active')]);
    expect(await read('active')).toEqual({
      ...{ username: 'ada', password: 'p@ss', host: 'db.example.com', port: 6432, dbname: 'books' },
      engine: 'postgres',
    });
    const other = await openStage(url, { DATABASE_URL: 'postgres://eve:x@db.example.com/books' });
    expect(await fill(other)).toEqual([]);
    expect(await read('active')).toMatchObject({ username: 'ada' });
  });

  test.each([
    ['url', 'DATABASE_URL', 'active'],
    ['heroku', 'HEROKU_API_KEY', 'heroku-key'],
  ])('of kind %s is refused before anything is made when %s is not there', async (kind, variable, secret) => {
    const cloud = { database: { kind, ...(kind === 'heroku' && { herokuAddon: 'postgresql-round-12345' }) } };
    await expect(verifySecretSource(await openStage(cloud))).rejects.toMatchObject({
      ...{ code: 'SECRET_EMPTY', message: `secret ${idOf(secret)} has no value` },
      suggestions: [expect.stringContaining(`${variable}=…`)],
    });
    await expect(verifySecretSource(await openStage(cloud, { [variable]: '' }))).rejects.toMatchObject({
      code: 'SECRET_EMPTY',
    });
  });

  test('of Heroku has the API key as it is', async () => {
    await makeContainer('heroku-key');
    const cloud = { database: { kind: 'heroku', herokuAddon: 'postgresql-round-12345' } };
    expect(await fill(await openStage(cloud, { HEROKU_API_KEY: 'HRKU-1' }))).toEqual([idOf('heroku-key')]);
    expect(await ask('GetSecretValue', { SecretId: idOf('heroku-key') })).toMatchObject({
      SecretString: 'HRKU-1',
    });
  });
});
