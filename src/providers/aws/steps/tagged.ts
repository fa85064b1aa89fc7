import type { ResourceType, TagSpecification } from '@aws-sdk/client-ec2';
import type { Difference } from '../../../provision/step.ts';
import { type Stage, tagsOf, tagValue } from '../stage.ts';

export const tagSpecs = (stage: Stage, type: ResourceType, resource: string): TagSpecification[] => [
  { ResourceType: type, Tags: tagsOf(stage, resource) },
];

interface Tagged {
  readonly Tags?: { Key?: string | undefined; Value?: string | undefined }[] | undefined;
}

/** The one of `all` that was tagged as `resource`; of several (a lost answer) always the same one. */
export const ofResource = <T extends Tagged>(
  all: readonly T[],
  resource: string,
  id: (one: T) => string | undefined,
) =>
  all
    .filter(({ Tags }) => tagValue(Tags, 'lambdapg:resource') === resource)
    .sort((a, b) => ((id(a) ?? '') < (id(b) ?? '') ? -1 : 1))[0];

export const absent = { state: 'absent' } as const;

export const difference = (
  property: string,
  have: string,
  want: string,
  changeable: boolean,
): Difference => ({
  property,
  have,
  want,
  changeable,
});
