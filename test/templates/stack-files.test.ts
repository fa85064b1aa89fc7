import { describe, expect, test } from 'vitest';
import { parseDocument } from 'yaml';
import type { ChoiceFlags } from '../../src/scaffold/resolve-choices.ts';
import { answersFor, renderProject } from './generate.ts';
import { fewStacks } from './stack-variants.ts';

const textsOf = async (flags: ChoiceFlags): Promise<Map<string, string>> => {
  const files = await renderProject(answersFor('api', flags));
  return new Map([...files].map(([path, content]) => [path, Buffer.from(content).toString('utf8')]));
};

describe.each(['serverless', 'sam'] as const)('%s', (engine) => {
  test('every layer makes whole YAML, without a placeholder', { timeout: 120_000 }, async () => {
    for (const [title, flags] of fewStacks(engine)) {
      for (const [path, text] of await textsOf(flags)) {
        if (!/^(infra\/|serverless\.yml|template\.yaml|samconfig|README)/.test(path)) continue;
        expect(text, `${title}: ${path}`).not.toMatch(/__[A-Z]+(_[A-Z]+)*__/);
        if (!/\.ya?ml$/.test(path)) continue;
        expect(parseDocument(text, { logLevel: 'error' }).errors, `${title}: ${path}`).toEqual([]);
      }
    }
  });

  test('the README names files that are there, and says what to run, what costs and what to mind', async () => {
    for (const flags of [
      { engine, proxy: true },
      { engine, network: 'nat', database: 'aurora', auth: 'iam' },
      { engine, database: 'heroku' },
      { engine, database: 'url' },
    ]) {
      const files = await textsOf(flags);
      const readme = (files.get('README.md') ?? '').replaceAll(/\s+/g, ' ');
      const named = [...readme.matchAll(/`((?:infra|src)\/[\w.-]+|[\w-]+\.(?:yml|yaml|toml|json))`/g)].map(
        ([, path = '']) => path,
      );
      const missing = named.filter((path) => !files.has(path) && path !== 'manifest.json');
      expect(missing, JSON.stringify(flags)).toEqual([]);
      for (const said of [
        /npm run deploy -- --stage dev/,
        /lambdapg destroy --stage dev/,
        /\*\*Costs while idle\*\*/,
        /the alias `live`/i,
        /reserved(Concurrency|ConcurrentExecutions)/i,
        /Cold starts|stands twice/,
        /is\s+to be destroyed after it/,
      ])
        expect(readme, JSON.stringify(flags)).toMatch(said);
    }
  });

  test('the README of Heroku says what R0.7, R0.10 and C0 of the checklist ask for', async () => {
    const readme = ((await textsOf({ engine, database: 'heroku' })).get('README.md') ?? '').replaceAll(
      /\s+/g,
      ' ',
    );
    for (const said of [
      /certificate that it signed itself/,
      /Take the region where Heroku's database is/,
      /Connections are environments/,
      /no free one since November 2022/,
      /heroku addons:destroy/,
    ])
      expect(readme).toMatch(said);
  });
});
