import { UserError } from '../../errors.ts';
import type { PackageFiles } from './zip-files.ts';

/** https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html */
const zippedLimit = 50 * 1024 * 1024;
const unzippedLimit = 250 * 1024 * 1024;

/**
 * @param goesToBucket Lambda takes it from S3, where a zip has no limit of its own
 * @throws UserError PACKAGE_TOO_LARGE with the largest parts, before anything is uploaded
 */
export function verifySize(
  functionName: string,
  files: PackageFiles,
  zippedBytes: number,
  goesToBucket = false,
): void {
  const unzipped = bytesOf(files);
  const fault =
    zippedBytes > zippedLimit && !goesToBucket
      ? `its zip has ${inMb(zippedBytes)}, Lambda takes ${inMb(zippedLimit)} in one upload`
      : unzipped > unzippedLimit
        ? `it has ${inMb(unzipped)} unzipped, Lambda takes ${inMb(unzippedLimit)}`
        : undefined;
  if (fault === undefined) return;
  const largest = largestParts(files).map(([part, bytes]) => `  ${part} ${inMb(bytes)}`);
  throw new UserError('PACKAGE_TOO_LARGE', `${functionName} is too large: ${fault}\n${largest.join('\n')}`, {
    suggestions: ['leave out what the function does not need, or import a smaller package'],
  });
}

export const bytesOf = (files: PackageFiles): number =>
  [...files.values()].reduce((sum, { length }) => sum + length, 0);

function largestParts(files: PackageFiles): [string, number][] {
  const parts = new Map<string, number>();
  for (const [path, { length }] of files) {
    const part = path.split('/')[0] ?? path;
    parts.set(part, (parts.get(part) ?? 0) + length);
  }
  return [...parts].sort(([, a], [, b]) => b - a).slice(0, 5);
}

const inMb = (bytes: number): string => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
