import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseAnswerFlags } from '../../src/project/answer-flags.ts';
import { getProject } from '../../src/project/find-project.ts';
import { withAnswers, writeAnswers } from '../../src/project/write-answers.ts';

let dir: string;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'lambdapg-answers-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

async function answer(flags: Parameters<typeof parseAnswerFlags>[0], cloud: object = {}) {
  const config = { name: 'shop', template: 'api', language: 'node', runtime: 'nodejs24.x', functions: {} };
  await writeFile(join(dir, 'lambdapg.json'), JSON.stringify({ ...config, cloud }, null, 2));
  const project = await getProject(dir);
  return withAnswers(project, parseAnswerFlags(flags, project.config.cloud));
}

test.each([
  [{ database: 'aurora', 'min-acu': 'abc' }, 'BAD_ANSWER', /^--min-acu abc: .*expected number/],
  [{ database: 'aurora', 'min-acu': '' }, 'BAD_ANSWER', /^--min-acu : .*expected number/],
  [{ database: 'aurora', 'min-acu': '0.3' }, 'BAD_ANSWER', /^--min-acu 0\.3: .*multiple of 0\.5/],
  [{ database: 'aurora', 'max-acu': '600' }, 'BAD_ANSWER', /^--max-acu 600: .*<=256/],
  [{ database: 'aurora', 'min-acu': '4' }, 'BAD_ANSWER', /^--min-acu 4: expected no more than maxAcu/],
  [{ 'engine-version': 'latest' }, 'BAD_ANSWER', /^--engine-version latest: expected a version such as/],
  [{ subnets: 'subnet-1, vpc-2' }, 'BAD_ANSWER', /^--subnets subnet-1, vpc-2: .*id of a subnet.*"vpc-2"$/],
  [{ 'min-acu': '1' }, 'BAD_FLAGS', /^--min-acu is for --database aurora, and this is database rds$/],
  [{ database: 'aurora', 'multi-az': true }, 'BAD_FLAGS', /^--multi-az is for --database rds/],
  [{ database: 'aurora', 'instance-class': 'db.r7g.large' }, 'BAD_FLAGS', /^--instance-class is for/],
  [{ network: 'nat', subnets: 'subnet-1,subnet-2' }, 'BAD_FLAGS', /^--subnets is for --network existing/],
] as const)('%j is refused', async (flags, code, message) => {
  const refused = expect.objectContaining({ code, exit: 2, message: expect.stringMatching(message) });
  await expect(answer(flags)).rejects.toEqual(refused);
});

test('answers are written where they belong, and the rest of the file stays', async () => {
  const changed = await answer(
    { database: 'aurora', 'min-acu': '1', subnets: 'subnet-1, subnet-2', proxy: true, 'multi-az': false },
    { region: 'eu-central-1', proxy: { maxConnectionsPercent: 60 } },
  );
  await writeAnswers(changed);
  expect(JSON.parse(await readFile(join(dir, 'lambdapg.json'), 'utf8'))).toMatchObject({
    name: 'shop',
    cloud: {
      region: 'eu-central-1',
      // Settings that stand there already are kept.
      proxy: { maxConnectionsPercent: 60 },
      database: { kind: 'aurora', minAcu: 1, multiAz: false },
      network: { kind: 'existing', subnetIds: ['subnet-1', 'subnet-2'] },
    },
  });
});

test('the same answers again change nothing', async () => {
  expect(await answer({ proxy: true }, { proxy: { maxConnectionsPercent: 60 } })).toMatchObject({
    changed: false,
  });
});
