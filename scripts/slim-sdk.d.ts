import type { Plugin } from 'esbuild';

/** Lets esbuild leave out what is not used of the AWS SDK. */
export const slimSdk: Plugin;
