import { expect, test } from 'vitest';
import { rotationFunctionFiles } from '../../../../../src/providers/aws/rotation/rotation-function/emit-files.ts';
import type { EmitInput } from '../../../../../src/providers/aws/rotation/rotation-function/emit-input.ts';
import {
  parseRotationSettings,
  type RotationSettings,
  settingsVariable,
} from '../../../../../src/providers/aws/rotation/rotation-function/rotation-function-settings.ts';

const arn = (name: string) => `arn:aws:secretsmanager:eu-central-1:123456789012:secret:${name}-AbCdEf`;
const settings: RotationSettings = {
  ...{ id: 'shop-dev', secret: arn('shop-dev/active'), adminSecret: arn('rds!db-1') },
  ...{ database: 'shop', ownerRole: 'shop_owner', appRole: 'shop_app' },
  slots: { a: 'shop_a', b: 'shop_b' },
  endpoints: [{ title: 'writer db', host: 'db.example.com', port: 5432 }],
  ...{ proxyEndpoints: [], drainSeconds: 310 },
};
const input: EmitInput = {
  ...{ version: '0.1.0', functionName: 'shop-dev-rotation', account: '123456789012', partition: 'aws' },
  ...{ region: 'eu-central-1', settings, tags: { 'lambdapg:project': 'shop' }, kmsKeys: [] },
  network: { subnetIds: ['subnet-1', 'subnet-2'], securityGroupIds: ['sg-1'] },
};

const filesOf = (change: Partial<EmitInput> = {}) => rotationFunctionFiles({ ...input, ...change });
const jsonOf = (name: string, change?: Partial<EmitInput>) => JSON.parse(filesOf(change).get(name) ?? '{}');

interface Statement {
  readonly Action: readonly string[];
  readonly Resource: string | readonly string[];
}

const allowedOn = (resource: string, change?: Partial<EmitInput>): string[] =>
  (jsonOf('role-policy.json', change).Statement as Statement[])
    .filter(({ Resource }) => [Resource].flat().includes(resource))
    .flatMap(({ Action }) => Action);

test('the role may use these secrets, each as far as it has to', () => {
  expect(allowedOn(settings.secret)).toEqual([
    'secretsmanager:DescribeSecret',
    'secretsmanager:GetSecretValue',
    'secretsmanager:ListSecretVersionIds',
    'secretsmanager:PutSecretValue',
    'secretsmanager:UpdateSecretVersionStage',
  ]);
  expect(allowedOn(settings.adminSecret)).toEqual(['secretsmanager:GetSecretValue']);
  const onAll = allowedOn('*');
  expect(onAll.length).toBeGreaterThan(3);
  expect(onAll.filter((action) => !action.startsWith('ec2:'))).toEqual([]);
});

test('behind a proxy the secrets of the slots are written, too; own keys are named', () => {
  const slotSecrets = { a: arn('shop-dev/slot-a'), b: arn('shop-dev/slot-b') };
  const key = 'arn:aws:kms:eu-central-1:123456789012:key/1';
  const change = { settings: { ...settings, slotSecrets }, kmsKeys: [key] };
  for (const slot of Object.values(slotSecrets))
    expect(allowedOn(slot, change)).toEqual([
      'secretsmanager:GetSecretValue',
      'secretsmanager:PutSecretValue',
    ]);
  expect(allowedOn(key, change)).toEqual(['kms:Decrypt', 'kms:GenerateDataKey']);
});

test('the function is told what to rotate, and carries the tag by which it is known', () => {
  const fn = jsonOf('function.json');
  expect(fn).toMatchObject({
    ...{ FunctionName: 'shop-dev-rotation', Runtime: 'nodejs24.x', Handler: 'index.handler' },
    VpcConfig: { SubnetIds: ['subnet-1', 'subnet-2'], SecurityGroupIds: ['sg-1'] },
    Tags: { 'lambdapg:project': 'shop', 'lambdapg:rotation-function': 'shop-dev' },
  });
  expect(parseRotationSettings(fn.Environment.Variables[settingsVariable])).toEqual(settings);
});

test('the README names what is there, and what has to be filled in', () => {
  const readme = filesOf().get('README.md') ?? '';
  for (const [, name = ''] of readme.matchAll(/fileb?:\/\/([\w.-]+)/g))
    expect(['function.zip', ...filesOf().keys()], name).toContain(name);
  expect(readme).toContain(`--secret-id ${settings.secret}`);
  expect(readme).not.toContain('undefined');
  expect(readme).not.toContain('put subnets');
  const { network: _none, ...rest } = input;
  expect(rotationFunctionFiles(rest).get('README.md')).toContain('put subnets and security groups into');
});

test.each([
  ['nothing', undefined, 'id, secret, adminSecret'],
  ['no JSON', '{', 'id, secret'],
  ['no endpoint', JSON.stringify({ ...settings, endpoints: [] }), 'endpoints'],
  ['half a pair of slots', JSON.stringify({ ...settings, slots: { a: 'shop_a' } }), 'slots'],
])('settings with %s are refused, and say what they lack', (_, text, lacks) => {
  expect(() => parseRotationSettings(text)).toThrow(lacks);
});
