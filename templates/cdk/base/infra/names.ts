import { CfnOutput, Stack, Tags } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';
import { project, stageOf } from './project.ts';

/** `<project>-<stage>`: the stack's name, and the beginning of every other. */
export const prefixOf = (construct: IConstruct): string => Stack.of(construct).stackName;

/** `<project>-<stage>-<resource>`: `lambdapg status`, `migrate` and `psql` find resources by these names. */
export const nameOf = (construct: IConstruct, resource: string): string =>
  `${prefixOf(construct)}-${resource}`;

/** The tags of everything in the stack. */
export function tagStack(stack: Stack): void {
  Tags.of(stack).add('lambdapg:project', project.name);
  Tags.of(stack).add('lambdapg:stage', stageOf(stack));
  Tags.of(stack).add('lambdapg:engine', 'cdk');
}

/** The tags of one resource and of what it is made of. */
export function tag(construct: IConstruct, resource: string, name = nameOf(construct, resource)): void {
  Tags.of(construct).add('Name', name);
  Tags.of(construct).add('lambdapg:resource', resource);
}

/** The outputs that every lambdapg project has, by the same names whatever made it. */
export function addOutputs(stack: Stack, outputs: Readonly<Record<string, string | undefined>>): void {
  const all = { ...outputs, region: stack.region, stage: stageOf(stack) };
  for (const [name, value] of Object.entries(all))
    if (value !== undefined) new CfnOutput(stack, name, { value });
}
