/** A tree of files as a value: path relative to the project, with "/", to its content. */
export type Files = ReadonlyMap<string, Uint8Array | string>;

/** The paths of `files` as an indented tree, folders first seen first, for a person to read. */
export function formatTree(files: Files): string {
  const lines: string[] = [];
  let open: string[] = [];
  for (const path of [...files.keys()].sort(byFolder)) {
    const folders = path.split('/').slice(0, -1);
    folders.forEach((folder, depth) => {
      if (open[depth] !== folder || open.length <= depth) {
        lines.push(`${'  '.repeat(depth)}${folder}/`);
        open = folders.slice(0, depth + 1);
      }
    });
    open = folders;
    lines.push(`${'  '.repeat(folders.length)}${path.slice(path.lastIndexOf('/') + 1)}`);
  }
  return lines.join('\n');
}

/** Folders before files at each level, each in alphabetical order. */
function byFolder(a: string, b: string): number {
  const left = a.split('/');
  const right = b.split('/');
  for (let depth = 0; ; depth += 1) {
    const leftIsFile = depth === left.length - 1;
    const rightIsFile = depth === right.length - 1;
    if (leftIsFile !== rightIsFile) return leftIsFile ? 1 : -1;
    const order = (left[depth] ?? '').localeCompare(right[depth] ?? '');
    if (order !== 0 || leftIsFile) return order;
  }
}
