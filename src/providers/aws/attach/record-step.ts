import { TagResourceCommand, UntagResourceCommand } from '@aws-sdk/client-lambda';
import { absent, difference } from '../steps/tagged.ts';
import { attachBeforeTag, attachedToTag } from './attach-names.ts';
import { type AttachRecord, parseAttachRecord, tagsOfRecord } from './attach-record.ts';
import type { AttachStep, AttachWorld } from './attach-world.ts';

/**
 * What the function was before, in its tags: written before anything else, and taken away after everything else, so that an
 * interruption at any point can be gone on from and undone.
 */
export function recordStep(
  { aws }: AttachWorld,
  fn: { readonly name: string; readonly arn: string },
  want?: AttachRecord,
): AttachStep<null> {
  const put = async (record: AttachRecord): Promise<void> => {
    await aws.write.lambda.send(new TagResourceCommand({ Resource: fn.arn, Tags: tagsOfRecord(record) }));
  };
  return {
    id: `record:${fn.name}`,
    title: `record of what ${fn.name} was before, in its tags`,
    needs: [],
    async find(look) {
      const tags = (await look.getFunction(fn.name))?.Tags;
      if (parseAttachRecord(fn.name, tags) === undefined) return absent;
      const differences = Object.entries(want === undefined ? {} : tagsOfRecord(want))
        .filter(([key, value]) => tags?.[key] !== value)
        .map(([key, value]) => difference(key, tags?.[key] ?? 'missing', value, true));
      return differences.length === 0
        ? { state: 'ready', have: null }
        : { state: 'drifted', have: null, differences };
    },
    async create() {
      if (want !== undefined) await put(want);
    },
    async update() {
      if (want !== undefined) await put(want);
    },
    async remove() {
      await aws.write.lambda.send(
        new UntagResourceCommand({ Resource: fn.arn, TagKeys: [attachedToTag, attachBeforeTag] }),
      );
    },
  };
}
