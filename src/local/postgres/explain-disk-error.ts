import { errorCode, UserError } from '../../errors.ts';

/** PostgreSQL 17's data after initdb: 39 MB, WAL included; the first migration needs some more. */
const roomNeeded = 'about 100 MB';

/**
 * A file-system fault in `dir`, said to the person who owns the disk, or undefined when it is another fault.
 *
 * @param fault an error of Node or of pg, or PostgreSQL's own words about it
 */
export function explainDiskError(fault: unknown, dir: string): UserError | undefined {
  const code = typeof fault === 'string' ? codeInText(fault) : errorCode(fault);
  const cause = typeof fault === 'string' ? new Error(fault) : fault;
  switch (code) {
    case 'ENOSPC':
    case 'EDQUOT':
    case '53100': // disk_full
      return new UserError('NO_SPACE', `no room left on the disk that holds "${dir}"`, {
        suggestions: [`free ${roomNeeded} there: df -h "${dir}"`],
        cause,
      });
    case 'EACCES':
    case 'EPERM':
    case 'EROFS':
      return new UserError('STATE_DIR_UNWRITABLE', `"${dir}" cannot be written (${code})`, {
        suggestions: [
          `look at its owner and mode: ls -ld "${dir}"`,
          'after a run with sudo, give it back: sudo chown -R "$USER" .lambdapg',
        ],
        cause,
      });
    case 'ENOTDIR':
    case 'EEXIST':
      return new UserError('STATE_DIR_UNWRITABLE', `"${dir}" is not a folder`, {
        suggestions: ['move the file that stands there out of the way'],
        cause,
      });
    default:
      return undefined;
  }
}

function codeInText(text: string): string | undefined {
  if (/No space left on device/i.test(text)) return 'ENOSPC';
  if (/Disk quota exceeded/i.test(text)) return 'EDQUOT';
  if (/Read-only file system/i.test(text)) return 'EROFS';
  return undefined;
}
