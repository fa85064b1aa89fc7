import { readdirSync, readFileSync } from 'node:fs';
import type { Secret } from '../../src/secret.ts';

/** The shapes in which a password may come out: as it is, in a URL, in SQL, in JSON, encoded. */
function shapesOf(plain: string): Readonly<Record<string, string>> {
  const bytes = Buffer.from(plain);
  // Without the beginning and the end, which hang on what stands before and after: `user:password` is one text.
  const inside = (encoding: 'base64' | 'base64url', before: number) =>
    Buffer.concat([Buffer.alloc(before), bytes])
      .toString(encoding)
      .replace(/=+$/, '')
      .slice(before === 0 ? 0 : 4, -1);
  return {
    plain,
    'of a URL': encodeURIComponent(plain),
    'of a form': new URLSearchParams({ p: plain }).toString().slice(2),
    'of SQL': plain.replaceAll("'", "''"),
    'of JSON': JSON.stringify(plain).slice(1, -1),
    base64: inside('base64', 0),
    'base64 after one byte': inside('base64', 1),
    'base64 after two bytes': inside('base64', 2),
    base64url: inside('base64url', 0),
    'base64url after one byte': inside('base64url', 1),
    'base64url after two bytes': inside('base64url', 2),
    hex: bytes.toString('hex'),
  };
}

/** Which of the passwords are to be found where: `server log: plain`. */
export function findLeaks(channels: Readonly<Record<string, string>>, secrets: readonly Secret[]): string[] {
  const found = Object.entries(channels).flatMap(([channel, text]) =>
    secrets.flatMap((secret) =>
      Object.entries(shapesOf(secret.reveal()))
        .filter(([, shape]) => text.toLowerCase().includes(shape.toLowerCase()))
        .map(([name]) => `${channel}: ${name}`),
    ),
  );
  return [...new Set(found)];
}

/** The command lines of all processes of this computer; empty where there is no /proc. */
export function readCommandLines(): string {
  let pids: string[] = [];
  try {
    pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  } catch {
    return '';
  }
  return pids
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
      } catch {
        return '';
      }
    })
    .join('\n');
}

/** All files under a folder, one after the other. */
export function readFolder(dir: string): string {
  return readdirSync(dir, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => readFileSync(`${entry.parentPath}/${entry.name}`, 'utf8'))
    .join('\n');
}
