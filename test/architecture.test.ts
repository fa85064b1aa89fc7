import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const root = fileURLToPath(new URL('..', import.meta.url));
const sources = readdirSync(join(root, 'src'), { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith('.ts'))
  .map((entry) => relative(root, join(entry.parentPath, entry.name)));

interface Import {
  readonly from: string;
  readonly to: string;
}

const textOf = (file: string): string => readFileSync(join(root, file), 'utf8');

/** Without comments. */
const codeOf = (file: string): string => textOf(file).replaceAll(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*/g, '');

const imports: Import[] = sources.flatMap((file) =>
  [...textOf(file).matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g)].map(([, to = '']) => ({
    from: file,
    to: to.startsWith('.') ? relative(root, resolve(root, dirname(file), to)) : to,
  })),
);

/** `src/local/dev.ts` -> `local`; `src/errors.ts` -> `errors`. */
const areaOf = (file: string): string => (/^src\/([^/.]+)/.exec(file) ?? [])[1] ?? '';

const everywhere = ['context', 'errors', 'secret', 'this-machine'];
/** What each folder of `src` may import from the others. docs/decisions/001-house.md says why. */
const mayImport: Record<string, readonly string[]> = {
  commands: [
    'base-command',
    'database-command',
    'engine-command',
    'cloud-flags',
    'rotation-command',
    'rotation-flags',
    'jobs',
    'psql',
    'terminal',
    'scaffold',
    'seed',
    'local',
    'project',
    'provision',
    'rotation',
    'providers',
    'database',
  ],
  hooks: ['terminal', 'project'],
  'base-command': ['terminal', 'project'],
  'cloud-flags': ['project', 'database'],
  'database-command': ['base-command', 'cloud-flags', 'local', 'providers', 'project', 'database'],
  'engine-command': [
    'base-command',
    'cloud-flags',
    'engines',
    'providers',
    'project',
    'terminal',
    'local',
    'provision',
  ],
  'rotation-flags': ['rotation'],
  'rotation-command': [
    'base-command',
    'cloud-flags',
    'rotation-flags',
    'rotation',
    'providers',
    'project',
    'terminal',
  ],
  terminal: [],
  project: ['exec'],
  engines: ['project', 'exec'],
  scaffold: ['project', 'exec'],
  seed: ['project', 'database'],
  jobs: ['seed', 'project', 'database'],
  psql: ['jobs', 'database', 'exec'],
  local: ['project', 'database', 'seed', 'exec'],
  provision: ['project'],
  rotation: ['project', 'database', 'jobs', 'local'],
  database: ['project'],
  providers: ['database', 'project', 'jobs', 'provision', 'rotation', 'doctor', 'tail'],
  errors: [],
  secret: [],
  context: [],
  'this-machine': [],
  exec: [],
};

const packageOwners: Record<string, RegExp> = {
  '@oclif/':
    /^src\/(commands\/|hooks\/|(base-command|database-command|engine-command|rotation-command|cloud-flags|rotation-flags)\.ts)/,
  enquirer: /^src\/terminal\//,
  '@aws-sdk/': /^src\/providers\/aws\//,
  pg: /^src\/database\//,
  'pg-copy-streams': /^src\/database\//,
  'pg-cursor': /^src\/database\//,
  execa: /^src\/exec\.ts$/,
  'node:child_process': /^src\/exec\.ts$/,
};

const named = (specifier: string, name: string): boolean =>
  name.endsWith('/') ? specifier.startsWith(name) : specifier === name || specifier.startsWith(`${name}/`);

describe('architecture', () => {
  test('there is something to look at', () => {
    expect(sources.length).toBeGreaterThan(40);
    expect(imports.length).toBeGreaterThan(100);
  });

  test('imports go downwards only', () => {
    const wrong = imports
      .filter(({ to }) => to.startsWith('src/'))
      .filter(({ from, to }) => {
        const [a, b] = [areaOf(from), areaOf(to)];
        return a !== b && !everywhere.includes(b) && !(mayImport[a] ?? []).includes(b);
      });
    expect(wrong).toEqual([]);
  });

  test('each outside package has one home', () => {
    const wrong = imports.filter(({ from, to }) =>
      Object.entries(packageOwners).some(([name, home]) => named(to, name) && !home.test(from)),
    );
    expect(wrong).toEqual([]);
  });

  test('below commands nobody prints, prompts, reads argv or the environment, or exits', () => {
    const below = sources.filter(
      (file) =>
        !/^src\/(commands|hooks|terminal)\/|^src\/(base|engine|rotation)-command\.ts/.test(file) &&
        // Programs of their own, which run in Lambda.
        !/^src\/providers\/aws\/(routes\/(runner|schema)|rotation\/rotation-function\/rotation)-handler\.ts$/.test(
          file,
        ),
    );
    const forbidden = /\bconsole\.|process\.(argv|env|exit\b|stdout|stderr|stdin)/;
    const wrong = below
      .flatMap((file) =>
        textOf(file)
          .split('\n')
          .map((line, at) => `${file}:${at + 1} ${line.trim()}`),
      )
      .filter((line) => forbidden.test(line.replace(/\/\/.*|^\S+ \/?\*.*/, '')));
    expect(wrong).toEqual([]);
  });

  test('only bin ends the process', () => {
    expect(sources.filter((file) => /process\.exit\(/.test(textOf(file)))).toEqual([]);
  });

  test('secrets are revealed only where they are used', () => {
    const wrong = sources.filter(
      (file) =>
        textOf(file).includes('.reveal(') &&
        !/^src\/(database|providers|local)\/|^src\/secret\.ts/.test(file),
    );
    expect(wrong).toEqual([]);
  });

  test('no `any`', () => {
    expect(sources.filter((file) => /(:|\bas|<)\s*any\b/.test(codeOf(file)))).toEqual([]);
  });

  test('no import cycles between files', () => {
    const graph = new Map(
      sources.map((file) => [file, imports.filter(({ from }) => from === file).map(({ to }) => to)]),
    );
    const done = new Set<string>();
    const visit = (file: string, path: readonly string[]): void => {
      if (path.includes(file)) throw new Error(`cycle: ${[...path, file].join(' -> ')}`);
      if (done.has(file)) return;
      for (const next of graph.get(file) ?? []) visit(next, [...path, file]);
      done.add(file);
    };
    for (const file of sources) visit(file, []);
  });

  test('a command is at most 80 lines, a file at most 300', () => {
    const long = sources.filter(
      (file) => textOf(file).split('\n').length - 1 > (file.startsWith('src/commands/') ? 80 : 300),
    );
    expect(long).toEqual([]);
  });

  test('no folder is a drawer for what has no name', () => {
    expect(
      sources.filter((file) => /\/(lib|utils?|helpers?|services?|types|core|common)(\/|\.ts$)/.test(file)),
    ).toEqual([]);
  });

  test('every command has a summary and an example', () => {
    const commands = sources.filter((file) => file.startsWith('src/commands/'));
    const wrong = commands.filter(
      (file) =>
        !/static override summary/.test(textOf(file)) || !/static override examples/.test(textOf(file)),
    );
    expect(wrong).toEqual([]);
  });
});
