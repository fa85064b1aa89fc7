import { formatPlan } from './format-plan.ts';

interface Shown {
  readonly region: string;
  readonly account: string;
  readonly plan: { readonly actions: Parameters<typeof formatPlan>[0] };
}

interface Attachment extends Shown {
  readonly target: string;
  readonly functions: readonly { readonly name: string; readonly network: string }[];
  readonly patches: readonly {
    readonly resource: string;
    readonly owner: { readonly engine: string; readonly name?: string };
    readonly text: string;
  }[];
}

const ways: Readonly<Record<string, string>> = {
  outside: 'stays outside of any VPC',
  stays: 'stays in its VPC',
  enters: "enters the database's VPC",
};

/** An attachment before it is approved: who, how, what changes, and what others have to change. */
export function formatAttachPlan(shown: Attachment, stream: NodeJS.WriteStream): string {
  const { target, region, account, functions, plan, patches } = shown;
  return [
    `${target}, in ${region} of account ${account}`,
    ...functions.map(({ name, network }) => `  ${name} ${ways[network] ?? network}`),
    formatPlan(plan.actions, stream),
    ...patches.flatMap(({ resource, owner, text }) => [
      '',
      `${resource} belongs to ${owner.engine}${owner.name === undefined ? '' : ` (${owner.name})`}: change it there`,
      ...text.split('\n').map((line) => `    ${line}`),
    ]),
  ].join('\n');
}

export function formatDetachPlan(
  {
    region,
    account,
    functions,
    plan,
  }: Shown & {
    readonly functions: readonly { readonly name: string; readonly from: string }[];
  },
  stream: NodeJS.WriteStream,
): string {
  return [
    `in ${region} of account ${account}`,
    ...functions.map(({ name, from }) => `  ${name} from ${from}`),
    formatPlan(plan.actions, stream),
  ].join('\n');
}
