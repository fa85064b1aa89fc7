/** A CloudFormation template with its functions carried out as far as can be known without an account. */
export interface Template {
  readonly Parameters?: Record<string, { readonly Default?: unknown }>;
  readonly Conditions?: Record<string, unknown>;
  readonly Resources: Record<string, Resource>;
  readonly Outputs?: Record<string, { readonly Value: unknown }>;
}

export interface Resource {
  readonly Type: string;
  readonly Properties: Record<string, never>;
  readonly DeletionPolicy?: string;
  readonly DependsOn?: string | readonly string[];
}

const nothing = Symbol('AWS::NoValue');

const pseudo: Readonly<Record<string, unknown>> = {
  'AWS::Region': 'us-east-1',
  'AWS::AccountId': '123456789012',
  'AWS::Partition': 'aws',
  'AWS::URLSuffix': 'amazonaws.com',
  'AWS::NoValue': nothing,
};

/**
 * Parameters take their defaults, or `given`; what another resource will be called is `<Id>`, what it will have is
 * `<Id.Attribute>`; booleans and numbers become text, as CloudFormation takes either.
 */
export function resolveTemplate(
  template: Template,
  stack: string,
  given: Readonly<Record<string, string>> = {},
): Template {
  const named = (name: string): unknown => {
    if (name === 'AWS::StackName') return stack;
    if (name in pseudo) return pseudo[name];
    const parameter = template.Parameters?.[name];
    return parameter === undefined ? `<${name}>` : String(given[name] ?? parameter.Default);
  };
  const functions: Readonly<Record<string, (argument: never) => unknown>> = {
    Ref: (name: string) => named(name),
    'Fn::GetAtt': (path: string | string[]) => `<${[path].flat().join('.')}>`,
    'Fn::Sub': (argument: string | [string, Record<string, unknown>]) => {
      const [text, values = {}] = typeof argument === 'string' ? [argument] : argument;
      return text.replaceAll(/\$\{([^}]+)\}/g, (_whole, name: string) =>
        String(name in values ? resolve(values[name]) : named(name)),
      );
    },
    'Fn::Join': ([separator, parts]: [string, unknown[]]) =>
      parts.map((part) => String(resolve(part))).join(separator),
    'Fn::Split': ([separator, text]: [string, unknown]) => String(resolve(text)).split(separator),
    'Fn::Select': ([index, list]: [number, unknown]) => {
      const all = resolve(list) as unknown[];
      return all[Number(index)] ?? `<${index} of ${all.join()}>`;
    },
    'Fn::GetAZs': () => ['us-east-1a', 'us-east-1b'],
    'Fn::Cidr': ([block, count, bits]: [unknown, number, number]) =>
      Array.from({ length: count }, (_, index) => `${resolve(block)}[${index} of ${count}, ${bits} bits]`),
    'Fn::Equals': ([a, b]: [unknown, unknown]) => String(resolve(a)) === String(resolve(b)),
    'Fn::If': ([condition, yes, no]: [string, unknown, unknown]) =>
      resolve(resolve(template.Conditions?.[condition]) === 'true' ? yes : no),
  };
  function resolve(value: unknown): unknown {
    if (Array.isArray(value)) return value.map(resolve).filter((one) => one !== nothing);
    if (typeof value !== 'object' || value === null) return typeof value === 'string' ? value : String(value);
    const entries = Object.entries(value);
    const [[key, argument] = ['', undefined]] = entries;
    const run = entries.length === 1 ? functions[key] : undefined;
    if (run !== undefined) {
      const result = run(argument as never);
      return typeof result === 'boolean' ? String(result) : result;
    }
    return Object.fromEntries(
      entries.map(([name, one]) => [name, resolve(one)] as const).filter(([, one]) => one !== nothing),
    );
  }
  return {
    Resources: resolve(template.Resources) as Template['Resources'],
    Outputs: resolve(template.Outputs ?? {}) as NonNullable<Template['Outputs']>,
  };
}
