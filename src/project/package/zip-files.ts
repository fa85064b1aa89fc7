import { buffer } from 'node:stream/consumers';

/** Content by path inside the zip, with `/` between folders. */
export type PackageFiles = ReadonlyMap<string, Buffer>;

/**
 * The same files make the same bytes, whenever and wherever it is done with one version of zlib: sorted, one date, one
 * mode (readable by all: Lambda runs as another user than the one that unpacks).
 */
export async function zipFiles(files: PackageFiles): Promise<Buffer> {
  // The bundled module has a default export alone.
  const {
    default: { ZipFile },
  } = await import('yazl');
  const zip = new ZipFile();
  // A DOS date has no time zone; the extended timestamp, which has one, is left out.
  const sameEverywhere = { mtime: new Date(1980, 0, 1), forceDosTimestamp: true, mode: 0o100644 };
  for (const [path, content] of [...files].sort(([a], [b]) => (a < b ? -1 : 1)))
    zip.addBuffer(content, path, sameEverywhere);
  zip.end();
  return buffer(zip.outputStream);
}
