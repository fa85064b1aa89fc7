import { ofType } from './cloudformation-facts.ts';
import type { Resource, Template } from './resolve-template.ts';

/** Of the projects that tests synthesise. */
export const stack = 'my-library-dev';
export const functionNames = ['api', 'overdue'];
export type Properties = Readonly<Record<string, unknown>>;

export const propertiesOf = (template: Template, type: string): Properties[] =>
  ofType(template, type).map(([, { Properties }]) => Properties);

/** Id and resource of the one with that tag `lambdapg:resource`. */
export function tagged(template: Template, type: string, tag: string): [id: string, resource: Resource] {
  const found = ofType(template, type).find(([, resource]) => tagsOf(resource)['lambdapg:resource'] === tag);
  if (found === undefined) throw new Error(`no ${type} is tagged ${tag}`);
  return found;
}

export function tagsOf({ Properties }: Resource): Record<string, string> {
  const { Tags: tags = [] } = Properties as {
    Tags?: { Key: string; Value: string }[] | Record<string, string>;
  };
  return Array.isArray(tags) ? Object.fromEntries(tags.map(({ Key, Value }) => [Key, Value])) : tags;
}
