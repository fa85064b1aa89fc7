import { once } from 'node:events';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type AttachBed, startAttachBed } from '../providers/aws/attach/attach-bed.ts';
import { built, emptyFolder, plainEnvironment, runCli } from './cli.ts';

// Many calls and processes: a busy computer takes its time.
vi.setConfig({ testTimeout: 120_000 });

let at: AttachBed;

beforeAll(async () => {
  at = await startAttachBed();
});

afterAll(() => at.stop());

const environment = () => ({ ...at.bed.environment, ...at.plane.environment });

/** Runs a command and kills it when `action` has had its effect and the answer is on its way, for the `nth` time. */
async function killAt(args: readonly string[], call: string, nth: number): Promise<boolean> {
  const child = execa(process.execPath, [built, ...args], {
    cwd: await emptyFolder(),
    env: { ...plainEnvironment(), ...environment() },
    ...{ extendEnv: false, reject: false, stdin: 'ignore' },
  });
  let seen = 0;
  const unhook = await at.bed.hook({ after: [call] }, async () => {
    seen += 1;
    if (seen === nth) {
      child.kill('SIGKILL');
      await once(child, 'exit');
    }
    return undefined;
  });
  const { signal } = await child;
  await unhook();
  return signal === 'SIGKILL';
}

const attachEffects = [
  ['lambda:TagResource', 1],
  ['secretsmanager:CreateSecret', 1],
  ['iam:PutRolePolicy', 1],
  ['ec2:CreateSecurityGroup', 1],
  ['ec2:AuthorizeSecurityGroupEgress', 1],
  ['ec2:AuthorizeSecurityGroupIngress', 1],
  ['ec2:AuthorizeSecurityGroupEgress', 2],
  ['ec2:AuthorizeSecurityGroupIngress', 2],
  ['ec2:RevokeSecurityGroupEgress', 1],
  ['lambda:UpdateFunctionConfiguration', 1],
  ['lambda:CreateFunction', 1],
  ['lambda:DeleteFunction', 1],
] as const;

const detachEffects = [
  ['lambda:UpdateFunctionConfiguration', 1],
  ['ec2:RevokeSecurityGroupIngress', 1],
  ['ec2:RevokeSecurityGroupIngress', 2],
  ['ec2:DeleteSecurityGroup', 1],
  ['iam:DeleteRolePolicy', 1],
  ['secretsmanager:DeleteSecret', 1],
  ['lambda:UntagResource', 1],
] as const;

describe('killed', () => {
  let attach: string[];
  const detach = ['detach', '--function', 'victim', '--yes', '--json'];
  let before: unknown;
  const ok = { exitCode: 0 };
  const run = async (args: readonly string[]) =>
    runCli(args, { cwd: await emptyFolder(), env: environment() });

  beforeAll(async () => {
    await at.makeFunction('victim');
    before = await at.snapshot('victim');
    const password = encodeURIComponent("app-Password/@:'1");
    const url = `postgres://app:${password}@${at.host}:5432/shop`;
    attach = ['attach', '--function', 'victim', '--database-url', url];
    attach.push('--yes', '--accept-no-internet', '--json');
  });

  test.each(attachEffects)(
    'attach after %s (%i): the next run ends it, or detach undoes it',
    async (call, nth) => {
      expect(await killAt(attach, call, nth)).toBe(true);
      expect(await run(attach)).toMatchObject(ok);
      expect(await at.invoke('victim')).toEqual({ who: 'app', db: 'shop', n: 42 });
      expect(await run(detach)).toMatchObject(ok);
      expect(await at.snapshot('victim')).toEqual(before);
      expect(await killAt(attach, call, nth)).toBe(true);
      expect(await run(detach)).toMatchObject(ok);
      expect(await at.snapshot('victim')).toEqual(before);
    },
  );

  test.each(detachEffects)('detach after %s (%i): the next run ends it', async (call, nth) => {
    expect(await run(attach)).toMatchObject(ok);
    expect(await killAt(detach, call, nth)).toBe(true);
    const again = await run(detach);
    // After the last effect there is nothing left to do.
    expect([0, 1]).toContain(again.exitCode);
    if (again.exitCode === 1) expect(again.json()).toMatchObject({ error: { code: 'NOT_ATTACHED' } });
    expect(await at.snapshot('victim')).toEqual(before);
  });
});
