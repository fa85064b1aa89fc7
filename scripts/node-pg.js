import { readFile } from 'node:fs/promises';

/**
 * Tells pg at build time that it runs in Node. Where there is no `navigator` (Node 20) it would find out by making a
 * `Response`, which loads all of Node's fetch: 30 ms before the first command.
 */
export const nodePg = {
  name: 'node-pg',
  setup(builder) {
    builder.onLoad({ filter: /[\\/]pg[\\/]lib[\\/]stream\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8');
      const contents = text.replace('if (isCloudflareRuntime())', 'if (false)');
      if (contents === text) throw new Error(`${path} asks for its runtime in other words now`);
      return { contents, loader: 'js' };
    });
  },
};
