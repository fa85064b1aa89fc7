import type { HclModule } from './hcl-module.ts';
import { resolveHcl, showHcl } from './hcl-values.ts';

/** Of a resource, as showHcl shows it. */
export type Body = Readonly<Record<string, unknown>>;

export const bodiesOf = (module: HclModule, type: string): Map<string, Body> =>
  new Map(
    module.resources
      .filter((one) => one.type === type)
      .map(({ name, body }) => [name, showHcl(body) as Body]),
  );

/** With what the files themselves say in the place of locals. */
export const resolved = async (module: HclModule, type: string, name: string): Promise<Body> => {
  const found = module.resources.find((one) => one.type === type && one.name === name);
  return showHcl(await resolveHcl(module, found?.body ?? {})) as Body;
};
