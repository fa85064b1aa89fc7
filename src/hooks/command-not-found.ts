import type { Hook } from '@oclif/core';
import { exitCodes, UserError } from '../errors.ts';
import { nearest } from '../project/nearest.ts';
import { formatError } from '../terminal/format-error.ts';

/** `lambdapg mirgate`: says which command was meant, never asks, exits 2. */
const commandNotFound: Hook.CommandNotFound = async ({ config, id }) => {
  const typed = id.replaceAll(':', ' ');
  const known = config.commands
    .filter((command) => command.hidden !== true)
    .map((command) => command.id.replaceAll(':', ' '));
  const near = nearest(typed, known);
  const error = new UserError('UNKNOWN_COMMAND', `unknown command "${typed}"`, {
    exit: exitCodes.usage,
    suggestions: [...(near === undefined ? [] : [`lambdapg ${near}`]), 'lambdapg --help lists every command'],
  });
  process.stderr.write(`${formatError(error, process.stderr)}\n`);
  throw Object.assign(error, { oclif: { exit: error.exit }, skipOclifErrorHandling: true });
};

export default commandNotFound;
