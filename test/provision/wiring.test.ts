import { describe, expect, test } from 'vitest';
import { holds, planWiring } from '../../src/provision/wiring.ts';
import type {
  Exit,
  FunctionFacts,
  GroupRule,
  NetworkFacts,
  SubnetFacts,
  TargetFacts,
} from '../../src/provision/wiring-facts.ts';
import { own } from '../../src/provision/wiring-network.ts';
import { attachVariables, detachVariables } from '../../src/provision/wiring-variables.ts';

const arn = 'arn:aws:secretsmanager:us-east-1:123456789012:secret:orders/login-AbCdEf';
const fn: FunctionFacts = { name: 'reader', runtime: 'nodejs22.x', variables: {} };
const target: TargetFacts = {
  ...{ id: 'instance:orders', host: 'orders.x.us-east-1.rds.amazonaws.com', port: 5432, database: 'shop' },
  placement: { vpcId: 'vpc-1', subnetIds: ['subnet-a', 'subnet-b'], groupIds: ['sg-db'] },
  ...{ isPublic: false, needsRdsAuthorities: true },
  login: { kind: 'secret', arn },
};
const options = { replaceEnvironment: false };

const subnet = (id: string, change: Partial<SubnetFacts> = {}): SubnetFacts => ({
  ...{ id, vpcId: 'vpc-1', zone: id.slice(-1), cidr: '10.0.0.0/26' },
  ...{ freeAddresses: 50, exit: 'none' as Exit, joined: [] },
  ...change,
});
const group = (id: string, rules: readonly GroupRule[] = [], vpcId = 'vpc-1') => ({ id, vpcId, rules });
const rule = (direction: 'in' | 'out', port: number, peer: string): GroupRule => ({
  ...{ direction, from: port, to: port, peers: [peer] },
});
const everythingOut: GroupRule = { direction: 'out', from: 0, to: 65_535, peers: ['0.0.0.0/0'] };

const network = (change: Partial<NetworkFacts> = {}): NetworkFacts => ({
  subnets: [subnet('subnet-a'), subnet('subnet-b')],
  groups: [group('sg-db'), group('sg-vpce')],
  secretsEndpoints: new Map([['vpc-1', { groupIds: ['sg-vpce'] }]]),
  dedicatedVpcs: new Set(),
  ...change,
});

const codes = (wiring: ReturnType<typeof planWiring>) => wiring.faults.map(({ code }) => code);
const inside = (groupIds: string[], vpcId = 'vpc-1', subnetIds = ['subnet-a']): FunctionFacts => ({
  ...fn,
  placement: { vpcId, subnetIds, groupIds },
});

describe('a function in no VPC', () => {
  test("enters the database's, with a group of its own that reaches database and secrets alone", () => {
    const wiring = planWiring(fn, target, network(), options);
    expect(wiring).toMatchObject({
      network: 'enters',
      placement: { vpcId: 'vpc-1', subnetIds: ['subnet-a', 'subnet-b'], groupIds: [] },
      ownGroup: { vpcId: 'vpc-1', opensAll: false },
      losesInternet: true,
      faults: [],
    });
    expect(wiring.rules).toEqual([
      { group: own, direction: 'out', port: 5432, peer: 'sg-db' },
      { group: 'sg-db', direction: 'in', port: 5432, peer: own },
      { group: own, direction: 'out', port: 443, peer: 'sg-vpce' },
      { group: 'sg-vpce', direction: 'in', port: 443, peer: own },
    ]);
  });

  test('goes behind NAT where there is one, and keeps the internet', () => {
    const subnets = [
      subnet('subnet-a'),
      subnet('subnet-p', { exit: 'public' }),
      subnet('subnet-n', { exit: 'nat', zone: 'a' }),
      subnet('subnet-m', { exit: 'nat', zone: 'a' }),
      subnet('subnet-o', { exit: 'nat', freeAddresses: 0 }),
    ];
    const wiring = planWiring(fn, target, network({ subnets, secretsEndpoints: new Map() }), options);
    expect(wiring).toMatchObject({
      placement: { subnetIds: ['subnet-m'] },
      ownGroup: { opensAll: true },
      losesInternet: false,
      faults: [],
    });
    expect(wiring.rules).toEqual([{ group: 'sg-db', direction: 'in', port: 5432, peer: own }]);
  });

  test('stays where an attachment has put it, whatever other subnets there are now', () => {
    const subnets = [subnet('subnet-a'), subnet('subnet-n', { exit: 'nat' })];
    const facts = { ...fn, enteredSubnetIds: ['subnet-a'] };
    const wiring = planWiring(facts, target, network({ subnets }), options);
    expect(wiring.placement?.subnetIds).toEqual(['subnet-a']);
  });

  test('needs no VPC for a server on the internet, or a database that lets everybody in', () => {
    const { placement: _, ...elsewhere } = { ...target, isPublic: true };
    expect(planWiring(fn, elsewhere, network(), options)).toMatchObject({ network: 'outside', rules: [] });
    const open = network({ groups: [group('sg-db', [rule('in', 5432, '0.0.0.0/0')])] });
    expect(planWiring(fn, { ...target, isPublic: true }, open, options).network).toBe('outside');
    expect(planWiring(fn, target, open, options).network).toBe('enters');
  });

  test.each([
    ['NO_WAY_TO_SECRETS', network({ secretsEndpoints: new Map() })],
    ['NO_SUBNET', network({ subnets: [subnet('subnet-a', { freeAddresses: 0 })] })],
    ['DEDICATED_VPC', network({ dedicatedVpcs: new Set(['vpc-1']) })],
  ])('is refused: %s', (code, facts) => {
    expect(codes(planWiring(fn, target, facts, options))).toContain(code);
  });

  test('needs no way to secrets with IAM', () => {
    const iam = { ...target, login: { kind: 'iam', user: 'app' } as const };
    const wiring = planWiring(fn, iam, network({ secretsEndpoints: new Map() }), options);
    expect(codes(wiring)).toEqual([]);
    expect(wiring.variables.set).toMatchObject({ LAMBDAPG_DB_AUTH: 'iam', PGUSER: 'app' });
    expect(wiring.variables.set).not.toHaveProperty('LAMBDAPG_SECRET_ARN');
  });
});

describe('a function in a VPC', () => {
  test('needs nothing where its groups reach everything already', () => {
    const groups = [
      group('sg-fn', [everythingOut]),
      group('sg-db', [rule('in', 5432, 'sg-fn')]),
      group('sg-vpce', [rule('in', 443, 'sg-fn')]),
    ];
    const wiring = planWiring(inside(['sg-fn']), target, network({ groups }), options);
    expect(wiring).toMatchObject({ network: 'stays', rules: [], faults: [], losesInternet: false });
    expect(wiring.ownGroup).toBeUndefined();
  });

  test.each([
    ['nothing goes out', [group('sg-fn'), group('sg-db', [rule('in', 5432, 'sg-fn')])]],
    ['nothing comes in', [group('sg-fn', [everythingOut]), group('sg-db')]],
    ['another port comes in', [group('sg-fn', [everythingOut]), group('sg-db', [rule('in', 5433, 'sg-fn')])]],
  ])('gets a group of its own where %s', (_, groups) => {
    const wiring = planWiring(inside(['sg-fn']), target, network({ groups }), options);
    expect(wiring.rules.slice(0, 2)).toEqual([
      { group: own, direction: 'out', port: 5432, peer: 'sg-db' },
      { group: 'sg-db', direction: 'in', port: 5432, peer: own },
    ]);
  });

  test('is refused a sixth group', () => {
    const five = ['sg-1', 'sg-2', 'sg-3', 'sg-4', 'sg-5'];
    expect(codes(planWiring(inside(five), target, network(), options))).toEqual(['TOO_MANY_GROUPS']);
    expect(codes(planWiring(inside(five.slice(1)), target, network(), options))).toEqual([]);
  });

  const far = (here: readonly string[], back: readonly string[]) =>
    network({
      subnets: [
        subnet('subnet-x', { vpcId: 'vpc-2', cidr: '10.2.0.0/24', joined: here, exit: 'nat' }),
        subnet('subnet-a', { cidr: '10.1.0.0/26', joined: back }),
        subnet('subnet-b', { cidr: '10.1.0.64/26', joined: back }),
      ],
      groups: [group('sg-fn', [everythingOut], 'vpc-2'), group('sg-db')],
    });
  const elsewhere = inside(['sg-fn'], 'vpc-2', ['subnet-x']);

  test('reaches another VPC by address ranges, when routes lead both ways', () => {
    const wiring = planWiring(elsewhere, target, far(['10.1.0.0/16'], ['10.2.0.0/16']), options);
    expect(codes(wiring)).toEqual([]);
    expect(wiring.rules).toContainEqual({
      ...{ group: 'sg-db', direction: 'in', port: 5432, peer: '10.2.0.0/24' },
    });
  });

  test.each([
    ['no route', [], []],
    ['no way back', ['10.1.0.0/16'], []],
    ['a route to a part of it', ['10.1.0.0/26'], ['10.2.0.0/16']],
  ])('is refused another VPC with %s', (_, here, back) => {
    expect(codes(planWiring(elsewhere, target, far(here, back), options))).toContain('NO_PATH');
  });

  test('is refused the internet that it has not', () => {
    const { placement: _, ...url } = { ...target, isPublic: true };
    expect(codes(planWiring(inside(['sg-fn']), url, network(), options))).toContain('NO_INTERNET');
    const subnets = [subnet('subnet-a', { exit: 'nat' })];
    const closed = network({ subnets, groups: [group('sg-fn')], secretsEndpoints: new Map() });
    expect(planWiring(inside(['sg-fn']), url, closed, options).rules).toEqual([
      { group: own, direction: 'out', port: 5432, peer: '0.0.0.0/0' },
      { group: own, direction: 'out', port: 443, peer: '0.0.0.0/0' },
    ]);
  });
});

describe('the environment', () => {
  const plan = (change: Partial<FunctionFacts>, more: Partial<typeof options> = {}) =>
    planWiring({ ...fn, ...change }, target, network(), { ...options, ...more });

  test('is the connection runtime’s, and holds no password', () => {
    expect(plan({}).variables.set).toEqual({
      ...{ PGHOST: target.host, PGPORT: '5432', PGDATABASE: 'shop', PGSSLMODE: 'verify-full' },
      ...{ LAMBDAPG_SECRET_ARN: arn, NODE_EXTRA_CA_CERTS: '/var/runtime/ca-cert.pem' },
    });
  });

  test('of somebody else is not written over', () => {
    expect(codes(plan({ variables: { PGHOST: 'other' } }))).toEqual(['ENVIRONMENT_TAKEN']);
    expect(codes(plan({ variables: { LAMBDAPG_DB_AUTH: 'iam' } }))).toEqual(['ENVIRONMENT_TAKEN']);
    expect(codes(plan({ variables: { PGHOST: target.host, MODE: 'x' } }))).toEqual([]);
    const replaced = plan({ variables: { PGHOST: 'other' } }, { replaceEnvironment: true });
    expect(codes(replaced)).toEqual([]);
    expect(replaced.variables.replaced).toEqual(['PGHOST']);
  });

  test('that cannot be read is not written', () => {
    expect(codes(plan({ variablesHidden: 'no kms:Decrypt' }))).toEqual(['ENVIRONMENT_HIDDEN']);
  });

  test('has 4 KB', () => {
    expect(codes(plan({ variables: { LONG: 'x'.repeat(4_000) } }))).toEqual(['ENVIRONMENT_TOO_LARGE']);
  });

  test('of a runtime without RDS’s authorities comes with a warning, unless it brings them', () => {
    expect(plan({ runtime: 'python3.13' }).warnings.join()).toContain('--ssl-root-cert');
    const brings = planWiring({ ...fn, runtime: 'python3.13' }, target, network(), {
      ...options,
      rootCertificate: '/var/task/rds-ca.pem',
    });
    expect(brings.variables.set).toMatchObject({ PGSSLROOTCERT: '/var/task/rds-ca.pem' });
    expect(brings.warnings.join()).not.toContain('--ssl-root-cert');
  });

  const set = { PGHOST: 'new', LAMBDAPG_SECRET_ARN: 'arn' };
  test.each([
    ['nothing', {}, []],
    ['other things', { MODE: 'x' }, []],
    ['the same value', { PGHOST: 'new' }, ['LAMBDAPG_SECRET_ARN']],
    ['another value', { PGHOST: 'old', MODE: 'x' }, ['LAMBDAPG_SECRET_ARN']],
    ['another login', { LAMBDAPG_DB_AUTH: 'iam' }, ['PGHOST', 'LAMBDAPG_SECRET_ARN']],
  ] as const)('comes back from attachment, twice applied or not at all: %s', (_, before, added) => {
    const ours = added.length === 0 ? Object.keys(set) : added;
    const once = attachVariables(before, ours, set);
    expect(once).toMatchObject(set);
    expect(once).not.toHaveProperty('LAMBDAPG_DB_AUTH');
    expect(attachVariables(once, ours, set)).toEqual(once);
    expect(detachVariables(once, ours)).toEqual(before);
    expect(detachVariables(before, ours)).toEqual(before);
  });
});

test.each([
  ['10.0.0.0/16', '10.0.3.0/24', true],
  ['0.0.0.0/0', '192.168.1.0/24', true],
  ['10.0.0.0/16', '10.1.0.0/24', false],
  ['10.0.0.0/25', '10.0.0.0/24', false],
  ['10.0.0.0/24', '10.0.0.0/24', true],
])('%s holds %s: %s', (range, inner, expected) => {
  expect(holds(range, inner)).toBe(expected);
});
