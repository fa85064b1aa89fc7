import { describe, expect, test } from 'vitest';
import { checkWorkflow, readBlocks } from './ci-page.ts';

const [page = ''] = await readBlocks('yaml');
const workflow = await checkWorkflow(page);

describe('the workflow of docs/ci.md', () => {
  test('is one, to the parser of GitHub itself', () => {
    expect(workflow.errors).toEqual([]);
    expect([...workflow.scripts.keys()]).toEqual(['plan', 'deploy']);
  });

  test.each([
    ['an unknown key', 'runs-on:', 'run-on:'],
    ['an unknown permission', 'id-token: write', 'id-tokens: write'],
    ['an unknown value', 'pull-requests: write', 'pull-requests: maybe'],
    ['a broken expression', "github.event_name == 'push'", "github.event_name = 'push'"],
    ['an unknown context', 'vars.LAMBDAPG_PLAN_ROLE', 'variables.LAMBDAPG_PLAN_ROLE'],
  ])('%s would be found', async (_title, from, to) => {
    expect(page).toContain(from);
    expect((await checkWorkflow(page.replace(from, to))).errors).not.toEqual([]);
  });

  test('lets nobody write into its scripts, and holds no key', () => {
    const scripts = [...workflow.scripts.values()].flat().map(({ script }) => script);
    expect(scripts.filter((script) => script.includes('${{'))).toEqual([]);
    expect(page).not.toMatch(/secrets\.|aws-access-key-id|aws-secret-access-key/);
  });

  test('its roles can be taken by this repository alone', async () => {
    const [policy = ''] = await readBlocks('json');
    const { Statement } = JSON.parse(policy) as { Statement: { Condition: { StringEquals: object } }[] };
    expect(Statement.map(({ Condition }) => Condition.StringEquals)).toEqual([
      {
        'token.actions.githubusercontent.com:aud': 'sts.amazonaws.com',
        'token.actions.githubusercontent.com:sub': 'repo:my-org/my-repo:environment:prod',
      },
    ]);
  });
});
