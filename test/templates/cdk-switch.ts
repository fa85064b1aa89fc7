import { expect } from 'vitest';
import { functionNames, type Properties, stack } from './cdk-template.ts';
import { type Resource, resolveTemplate, type Template } from './resolve-template.ts';

/** All that may differ between a stack without a proxy and the same with one. */
export function verifySwitch(direct: Template, proxied: Template): void {
  const [before, after] = [direct, proxied].map((template) => resolveTemplate(template, stack).Resources) as [
    Template['Resources'],
    Template['Resources'],
  ];
  const isProxys = (id: string): boolean => /^(Proxy|Loginslot)/.test(id);
  // The two ways from a function and the runner to the proxy replace the one from a function to the database.
  const isPassage = (id: string): boolean =>
    /^(function|Runnerrunner)group(in|out)to(database|proxy)/.test(id);
  const isVersion = (id: string): boolean => /CurrentVersion/.test(id);
  const others = (resources: Template['Resources']) =>
    Object.keys(resources).filter((id) => !isProxys(id) && !isPassage(id) && !isVersion(id));
  expect(others(after)).toEqual(others(before));
  const changed = others(before).filter((id) => !isSame(before[id], after[id]));
  // The roles of functions, with IAM, name the proxy where they named the database.
  for (const id of changed)
    expect(id).toMatch(/^(Functions(api|overdue)\w*|Schema(Update|FunctionRole)\w*)$/);
  for (const name of functionNames) {
    const variablesOf = (resources: Template['Resources']): Properties => {
      const found = Object.values(resources).find(
        ({ Type, Properties }) =>
          Type === 'AWS::Lambda::Function' && (Properties as Properties).FunctionName === `${stack}-${name}`,
      );
      const { Environment, ...rest } = (found?.Properties ?? {}) as Properties;
      expect(rest).toMatchObject({ FunctionName: `${stack}-${name}` });
      return (Environment as { Variables: Properties }).Variables;
    };
    const { PGHOST: _host, PGSSLROOTCERT: _file, PGHOST_READER: _reader, ...kept } = variablesOf(before);
    const { PGHOST, PGHOST_READER: _proxyReader, ...same } = variablesOf(after);
    expect(same).toEqual(kept);
    expect(PGHOST).toMatch(/^<Proxy\w+\.Endpoint>$/);
  }
}

const isSame = (a: Resource | undefined, b: Resource | undefined): boolean =>
  JSON.stringify({ ...a, DependsOn: undefined }) === JSON.stringify({ ...b, DependsOn: undefined });
