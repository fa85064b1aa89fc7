import { UserError } from '../../errors.ts';
import type { WheelTarget } from './wheel-installer.ts';
import type { PackageFiles } from './zip-files.ts';

/** `e_machine` of the ELF header. https://gabi.xinuos.com/elf/a-emachine.html */
const elfMachines = { arm64: 0xb7, x86_64: 0x3e } as const;
const tagMachines = { arm64: 'aarch64', x86_64: 'x86_64' } as const;

/**
 * That every compiled module is one that the runtime can load: its name's tag (PEP 3149) and its ELF header say for which Python and
 * which processor it was made. A wrong one would fail at import, in Lambda.
 *
 * @throws UserError WRONG_BINARY with the first such file
 */
export function verifyBinaries(
  files: PackageFiles,
  target: Pick<WheelTarget, 'runtime' | 'architecture'>,
): void {
  for (const [path, content] of files) {
    const fault = findFault(path, content, target);
    if (fault === undefined) continue;
    const { runtime, architecture } = target;
    throw new UserError(
      'WRONG_BINARY',
      `${path} is ${fault}, and the functions run on ${runtime}, Linux ${architecture}`,
      {
        suggestions: [
          `take ${path.split('/')[0]} from requirements.txt, as a wheel for Linux ${tagMachines[architecture]}`,
          'or put "runtime" or "architecture" in lambdapg.json right',
        ],
      },
    );
  }
}

function findFault(
  path: string,
  content: Buffer,
  { runtime, architecture }: Pick<WheelTarget, 'runtime' | 'architecture'>,
): string | undefined {
  if (path.endsWith('.pyd')) return 'for Windows';
  // Other libraries are a package's own matter: some bring those of several systems and load the right one.
  if (!/\.(cpython-[\w-]+|abi3)\.so$|\.libs\/[^/]+\.so(\.\d+)*$/.test(path)) return undefined;
  const [, python, machine, system] = /\.cpython-(\d+)[a-z]*-(\w+?)-(\w+-?\w*)\.so$/.exec(path) ?? [];
  const wanted = runtime.replace(/\D/g, '');
  if (python !== undefined && python !== wanted) return `for Python ${python.slice(0, 1)}.${python.slice(1)}`;
  if (system?.endsWith('musl') === true) return 'for musl, and Lambda has glibc';
  if (machine !== undefined && machine !== tagMachines[architecture]) return `for ${machine}`;
  // `abi3` modules and the libraries that auditwheel puts into a wheel name no processor.
  if (content.length < 20 || content.readUInt32BE(0) !== 0x7f454c46) return 'no library of Linux';
  const elf = content.readUInt16LE(18);
  return elf === elfMachines[architecture] ? undefined : `for another processor (ELF machine ${elf})`;
}
