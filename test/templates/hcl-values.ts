import { parse } from '@cdktn/hcl2json';
import type { HclModule } from './hcl-module.ts';

/**
 * A value without what can be looked up in the files themselves: locals, `jsonencode`, `concat`, and the default at the end of a
 * `coalesce`. What depends on AWS, on a variable or on `lambdapg.json` stays an expression in `${…}`.
 */
export async function resolveHcl(module: HclModule, value: unknown): Promise<unknown> {
  if (Array.isArray(value)) return Promise.all(value.map((one) => resolveHcl(module, one)));
  if (typeof value === 'object' && value !== null) {
    const entries = Object.entries(value).map(
      async ([key, one]) => [key, await resolveHcl(module, one)] as const,
    );
    return Object.fromEntries(await Promise.all(entries));
  }
  const expression = typeof value === 'string' ? /^\$\{([\s\S]*)\}$/.exec(value)?.[1] : undefined;
  return expression === undefined ? value : resolveExpression(module, expression, value);
}

async function resolveExpression(module: HclModule, expression: string, value: unknown): Promise<unknown> {
  const [, local = ''] = /^local\.(\w+)$/.exec(expression) ?? [];
  if (local in module.locals) return resolveHcl(module, module.locals[local]);
  const [, encoded] = /^jsonencode\(([\s\S]*)\)$/.exec(expression) ?? [];
  if (encoded !== undefined) return resolveHcl(module, await readExpression(encoded));
  const [, lists] = /^concat\(([\s\S]*)\)$/.exec(expression) ?? [];
  if (lists !== undefined)
    return ((await resolveHcl(module, await readExpression(`[${lists}]`))) as unknown[]).flat();
  const [, literal] = /^coalesce\(.*, ([^,()]+)\)$/.exec(expression) ?? [];
  return literal === undefined ? value : resolveHcl(module, await readExpression(literal));
}

async function readExpression(text: string): Promise<unknown> {
  const { locals } = (await parse('expression.tf', `locals {\nvalue = ${text}\n}`)) as {
    locals: [{ value: unknown }];
  };
  return locals[0].value;
}

/** `${local.prefix}-db` -> `<local.prefix>-db` */
export function showHcl(value: unknown): unknown {
  if (typeof value === 'string') {
    const inner = value.replaceAll(/\$\{([^{}]*)\}/g, '<$1>');
    return inner === value ? value : showHcl(inner);
  }
  if (Array.isArray(value)) return value.map(showHcl);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, showHcl(one)]));
}
