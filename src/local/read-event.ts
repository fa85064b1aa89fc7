import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Readable } from 'node:stream';
import { text } from 'node:stream/consumers';
import type { Context } from '../context.ts';
import { errorMessage, exitCodes, UserError } from '../errors.ts';
import type { Project } from '../project/find-project.ts';
import { requestEvent } from './lambda/request-event.ts';

/**
 * The event of `lambdapg invoke`: JSON, `@file`, `-` for standard input, or a request (`GET /books?x=1`, with a body of JSON after
 * a blank) in place of what the HTTP API would make of it.
 *
 * @returns JSON; undefined where none was given
 * @throws UserError BAD_EVENT, NO_ROUTE (exit 2)
 */
export async function readEvent(
  { cwd }: Pick<Context, 'cwd'>,
  { config }: Project,
  functionName: string,
  given: string | undefined,
  input: Readable,
): Promise<string | undefined> {
  if (given === undefined) return undefined;
  const request = /^(GET|HEAD|POST|PUT|PATCH|DELETE|OPTIONS) (\/\S*)(?:\s+([\s\S]+))?$/.exec(given);
  if (request === null) return verifyJson(await readGiven(cwd, given, input));
  const [, method = '', url = '', body] = request;
  const found = requestEvent(config, method, url, body === undefined ? undefined : verifyJson(body));
  if (found?.functionName === functionName) return JSON.stringify(found.event);
  const routes = config.functions[functionName]?.routes ?? [];
  const suggestion =
    found === undefined
      ? `its routes: ${routes.join(', ') || 'none'}`
      : `lambdapg invoke ${found.functionName} '${given}'`;
  throw new UserError('NO_ROUTE', `no route of ${functionName} serves ${method} ${url}`, {
    exit: exitCodes.usage,
    suggestions: [suggestion],
  });
}

async function readGiven(cwd: string, given: string, input: Readable): Promise<string> {
  if (given === '-') return text(input);
  if (!given.startsWith('@')) return given;
  const file = given.slice(1);
  return readFile(resolve(cwd, file), 'utf8').catch((error: unknown) => {
    throw new UserError('BAD_EVENT', `cannot read the event from ${file}: ${errorMessage(error)}`, {
      exit: exitCodes.usage,
    });
  });
}

function verifyJson(json: string): string {
  try {
    JSON.parse(json);
    return json;
  } catch (error) {
    const shown = json.length > 60 ? `${json.slice(0, 60)}…` : json;
    throw new UserError('BAD_EVENT', `the event is no JSON (${errorMessage(error)}): ${shown}`, {
      exit: exitCodes.usage,
      suggestions: [`'{"key": "value"}', @event.json, - for standard input, or 'GET /path'`],
    });
  }
}
