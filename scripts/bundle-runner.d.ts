import type { BuildOptions, BuildResult } from 'esbuild';

/** `options`: where to, and how small. */
export function bundleRunner(options: BuildOptions): Promise<BuildResult & { metafile: object }>;
export function bundleSchema(options: BuildOptions): Promise<BuildResult & { metafile: object }>;
export function bundleRotation(options: BuildOptions): Promise<BuildResult & { metafile: object }>;
