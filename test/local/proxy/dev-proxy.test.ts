import { describe, expect, test } from 'vitest';
import { runCli } from '../../e2e/cli.ts';
import { makeProject, saveFile, startDev } from '../../e2e/dev.ts';

const pinning = {
  node: {
    file: 'src/api.ts',
    text: `import { query } from './db.ts';
export const handler = async () => {
  await query("set work_mem = '8MB'");
  return { pinned: true };
};
`,
  },
  python: {
    file: 'app/api.py',
    text: `from app.db import query
def handler(event, context):
    query("set work_mem = '8MB'")
    return {"pinned": True}
`,
  },
} as const;

describe('lambdapg dev --proxy', () => {
  test.each(['node', 'python'] as const)(
    'a %s project works through the proxy, and is told what pins',
    async (language) => {
      const project = await makeProject(language);
      const dev = await startDev(project, ['--proxy', '--proxy-connections', '2']);
      const ready = await dev.until(({ type }) => type === 'proxy-ready');
      expect(ready).toMatchObject({ maxConnections: 2, port: expect.any(Number) });
      const answers = await Promise.all(
        Array.from({ length: 6 }, async () => (await fetch(`${dev.url}/books?limit=2`)).status),
      );
      expect(answers).toEqual([200, 200, 200, 200, 200, 200]);
      // More rounds than after which a driver would make its statement a named one.
      for (let round = 0; round < 8; round += 1) await fetch(`${dev.url}/books?limit=2`);
      expect(dev.events.filter(({ type }) => type === 'proxy-pin-warning')).toEqual([]);
      const request = await dev.until(({ type }) => type === 'request');
      expect(request.connections).toBeLessThanOrEqual(2);

      const { file, text } = pinning[language];
      await saveFile(project, file, text);
      await dev.until(({ type }) => type === 'reload');
      expect(await (await fetch(`${dev.url}/books`)).json()).toEqual({ pinned: true });
      const pin = await dev.until(({ type }) => type === 'proxy-pin-warning');
      expect(pin).toMatchObject({ functionName: 'api', cause: 'set' });
      expect(pin.message).toMatch(/^api is pinned to database connection \d+: SQL changed session settings/);
      expect(await dev.stop()).toBe(0);
    },
  );

  test('a server by its URL has none', async () => {
    const project = await makeProject();
    const { exitCode, stderr } = await runCli(
      ['dev', '--proxy', '--port', '0', '--database-url', 'postgres://nobody:x@localhost:1/none'],
      { cwd: project },
    );
    expect(exitCode).toBe(2);
    expect(stderr).toContain("--proxy stands before the project's own server");
  });
});
