import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test, vi } from 'vitest';
import { startAttachBed } from '../providers/aws/attach/attach-bed.ts';
import { built, emptyFolder, plainEnvironment, repository } from './cli.ts';

// Many calls and processes: a busy computer takes its time.
vi.setConfig({ testTimeout: 120_000 });

const enter = '\r';
const down = '\u001b[B';

test.skipIf(process.platform === 'win32')(
  'what no flag says is picked from lists, and approved',
  async () => {
    const at = await startAttachBed();
    try {
      await at.makeFunction('another');
      await at.makeFunction('reader');
      const steps = [
        ['Which function', `${down}${enter}`],
        ['To which database', enter],
        ['Attach like this', enter],
      ];
      const command = [process.execPath, built, 'attach', '--secret', 'orders/login'];
      const plan = JSON.stringify({ steps, command });
      const terminal = join(repository, 'test/e2e/terminal.py');
      const { exitCode, stdout } = await execa('python3', [terminal, plan, '110'], {
        cwd: await emptyFolder(),
        env: { ...plainEnvironment(), ...at.bed.environment, ...at.plane.environment, TERM: 'xterm' },
        ...{ extendEnv: false, reject: false },
      });
      expect(stdout).toContain('instance:orders');
      expect(stdout).toContain('reader will lose the internet');
      // Enter takes the answer that changes nothing.
      expect([exitCode, stdout]).toEqual([1, expect.stringContaining('nothing was changed')]);
    } finally {
      await at.stop();
    }
  },
);
