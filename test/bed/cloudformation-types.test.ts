import { afterAll, beforeAll, expect, test } from 'vitest';
import { type Bed, startBed } from './bed.ts';
import { at, awsOf, emptyZip } from './differs.ts';
import { expectStackMatches } from './engine-tools.ts';
import { everyType } from './every-type.ts';
import { findLeftovers } from './leftovers.ts';

let bed: Bed;

beforeAll(async () => {
  bed = await startBed({ pace: { default: 0 } });
});

afterAll(() => bed.stop());

async function deploy(action: string, turn: number): Promise<unknown> {
  const aws = awsOf(bed, false);
  const TemplateBody = JSON.stringify({ Resources: everyType(turn) });
  const answer = await aws('cloudformation', action, {
    ...{ StackName: 's', TemplateBody, Capabilities: ['CAPABILITY_NAMED_IAM'] },
  });
  return answer.error ?? settled();
}

async function settled(): Promise<unknown> {
  for (;;) {
    const answer = await awsOf(bed, false)('cloudformation', 'DescribeStacks', { StackName: 's' });
    const status = at(answer, 'Stacks.0.StackStatus') ?? answer.error;
    if (!String(status).endsWith('_IN_PROGRESS')) return status;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

test('every type is made, changed in place and taken away', async () => {
  const headers = {
    authorization: `AWS4-HMAC-SHA256 Credential=AKIA${bed.account}TEST/20261121/us-east-1/s3/aws4_request`,
  };
  for (const [path, body] of [
    ['uploads', ''],
    ['uploads/layer.zip', Buffer.from(emptyZip, 'base64')],
  ] as const)
    await fetch(`${bed.endpoint}/${path}`, { method: 'PUT', body, headers });
  const failures = () => bed.control('stack-failures', { region: bed.region });

  expect([await deploy('CreateStack', 0), await failures()]).toEqual(['CREATE_COMPLETE', []]);
  await expectStackMatches(bed, 's');
  const known = await bed.control<string[]>('stack-types');
  const used = new Set(Object.values(everyType(0)).map(({ Type }) => Type));
  expect(known.filter((type) => !used.has(type))).toEqual(['AWS::CloudFormation::CustomResource']);

  const ids = await physicalIds();
  expect([await deploy('UpdateStack', 1), await failures()]).toEqual(['UPDATE_COMPLETE', []]);
  await expectStackMatches(bed, 's');
  const replaced = Object.entries(await physicalIds()).filter(([name, id]) => ids[name] !== id);
  // A version is never changed.
  expect(replaced.map(([name]) => name)).toEqual(['Version']);

  await awsOf(bed, false)('cloudformation', 'DeleteStack', { StackName: 's' });
  expect([await settled(), await failures()]).toEqual(['ValidationError', []]);
  expect(await findLeftovers(bed)).toEqual([]);
}, 120_000);

async function physicalIds(): Promise<Record<string, unknown>> {
  const listed = await awsOf(bed, false)('cloudformation', 'ListStackResources', { StackName: 's' });
  const resources = listed.StackResourceSummaries as Record<string, string>[];
  return Object.fromEntries(resources.map((one) => [one.LogicalResourceId, one.PhysicalResourceId]));
}
