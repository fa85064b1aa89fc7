import { readFile } from 'node:fs/promises';

/**
 * Lets esbuild leave out what is not used of the AWS SDK: its schemas name their keys as `[_x]:`, which a bundler must take
 * for an effect, so one operation of EC2 brought the shapes of all (797 kB instead of 16, 130 ms instead of 50 to import).
 */
export const slimSdk = {
  name: 'slim-sdk',
  setup(builder) {
    builder.onLoad({ filter: /@aws-sdk[\\/].*[\\/]schemas[\\/]schemas_0\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const names = new Map(
        [...text.matchAll(/^const (_\w+) = ("[^"]*");$/gm)].map(([, name, value]) => [name, value]),
      );
      const contents = text.replaceAll(/\[(_\w+)\]:/g, (key, name) =>
        names.has(name) ? `${names.get(name)}:` : key,
      );
      return { contents, loader: 'js' };
    });
  },
};
