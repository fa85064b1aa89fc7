import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Context } from '../../../../context.ts';
import { UserError } from '../../../../errors.ts';
import { certificatesFile } from '../../rds-certificates.ts';
import { type RotationEvent, runRotationStep } from './rotation-function.ts';
import { parseRotationSettings, settingsVariable } from './rotation-function-settings.ts';

interface Invocation {
  getRemainingTimeInMillis(): number;
}

/** Before Lambda ends the invocation: to say what was waited for. */
const farewellMs = 15_000;

/**
 * Rotates the login of one stage when Secrets Manager calls. Its log tells what was done; what is thrown is what Secrets Manager
 * shows, and it holds no secret.
 */
export async function handler(event: RotationEvent, invocation: Invocation): Promise<void> {
  const dir = process.env.LAMBDA_TASK_ROOT ?? process.cwd();
  const context: Context = {
    cwd: dir,
    env: process.env,
    signal: new AbortController().signal,
    report: ({ message }) => console.log(message),
    packageDir: dir,
    version: 'rotation',
  };
  const remainingMs = invocation.getRemainingTimeInMillis();
  try {
    await runRotationStep(context, parseRotationSettings(process.env[settingsVariable]), event, {
      ca: await readFile(join(dir, certificatesFile), 'utf8'),
      deadline: Date.now() + Math.max(remainingMs / 2, remainingMs - farewellMs),
    });
  } catch (error) {
    throw shown(error);
  }
}

/** As it stands in the log, which shows one text. */
function shown(error: unknown): Error {
  if (!(error instanceof UserError)) return error instanceof Error ? error : new Error(String(error));
  const { code, message, suggestions } = error;
  const lines = [message, ...suggestions.map((suggestion) => `try: ${suggestion}`)];
  return Object.assign(new Error(lines.join('\n')), { name: code });
}
