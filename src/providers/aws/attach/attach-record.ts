import { UserError } from '../../../errors.ts';
import { attachBeforeTag, attachedToTag } from './attach-names.ts';

/** What a function's tags say of its attachment. */
export interface AttachRecord {
  /** `TargetFacts.id` */
  readonly target: string;
  /** It was in no VPC. */
  readonly wasOutside: boolean;
  /** Names that attach adds to the environment. What it replaces is in the environment itself, see `beforeVariable`. */
  readonly variables: readonly string[];
}

type Tags = Readonly<Record<string, string>>;

/** @throws UserError BAD_ATTACH_RECORD where the tags were edited */
export function parseAttachRecord(functionName: string, tags: Tags = {}): AttachRecord | undefined {
  const { [attachedToTag]: target, [attachBeforeTag]: before } = tags;
  if (target === undefined && before === undefined) return undefined;
  const [, vpc, names] = /^vpc=(none|kept) env=([A-Z_+]*)$/.exec(before ?? '') ?? [];
  if (target === undefined || vpc === undefined || names === undefined) {
    throw new UserError(
      'BAD_ATTACH_RECORD',
      `the tags of ${functionName} no longer say what it was before: ${attachBeforeTag} is "${before ?? ''}"`,
      {
        suggestions: [
          `bring the tag back to the form "vpc=none env=PGHOST+PGPORT" (vpc=kept for a function that was in its VPC before)`,
        ],
      },
    );
  }
  return { target, wasOutside: vpc === 'none', variables: names.split('+').filter(Boolean) };
}

/** Tags take letters, digits, spaces and _ . : / = + - @ alone, 256 of them. */
export function tagsOfRecord({ target, wasOutside, variables }: AttachRecord): Record<string, string> {
  return {
    [attachedToTag]: target.replaceAll(/[^\w .:/=+@-]/g, '_').slice(0, 256),
    [attachBeforeTag]: `vpc=${wasOutside ? 'none' : 'kept'} env=${[...variables].sort().join('+')}`,
  };
}
