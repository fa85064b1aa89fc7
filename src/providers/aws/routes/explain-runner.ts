import { errorMessage, exitCodes, UserError } from '../../../errors.ts';

const provision = 'lambdapg provision --runner';
const direct = 'or reach the database from here: a tunnel, and --db-host-map name=127.0.0.1:port';

/** Said before the function began, so that asking again is safe. https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html */
const refusedForNow = new Set([
  'TooManyRequestsException',
  'ResourceNotReadyException',
  'ResourceConflictException',
  'EC2ThrottledException',
  'ENINotReadyException',
]);

export function isRefusedForNow(error: unknown): boolean {
  return refusedForNow.has(nameOf(error));
}

/** Neither refused nor answered: the function may have run. */
export function isLost(error: unknown): boolean {
  return (statusOf(error) ?? 500) >= 500;
}

/** Why the runner could not be asked, or did not answer. Errors that are explained already, and those of credentials, as they are. */
export function explainInvokeError(error: unknown, functionName: string): unknown {
  if (error instanceof UserError) return error;
  const name = nameOf(error);
  const said = errorMessage(error);
  if (name === 'ResourceNotFoundException') return runnerMissing(functionName);
  if (name === 'AccessDeniedException') {
    return new UserError('RUNNER_REFUSED', `you may not invoke the runner "${functionName}": ${said}`, {
      suggestions: [`ask for lambda:InvokeFunction on the function ${functionName}`, direct],
      cause: error,
    });
  }
  if (refusedForNow.has(name)) {
    return new UserError('RUNNER_BUSY', `the runner "${functionName}" takes no work now: ${said}`, {
      exit: exitCodes.temporary,
      suggestions: ['try again in a minute'],
      cause: error,
    });
  }
  if (name === 'CredentialsProviderError' || !isLost(error)) return error;
  return new UserError(
    'RUNNER_ANSWER_LOST',
    `the connection to Lambda broke, so nobody knows here whether "${functionName}" did what it was sent: ${said}`,
    {
      exit: exitCodes.temporary,
      suggestions: ['migrate and seed may simply run again; look before you repeat an INSERT or UPDATE'],
      cause: error,
    },
  );
}

export const runnerMissingCode = 'RUNNER_MISSING';

function runnerMissing(functionName: string): UserError {
  return new UserError(
    runnerMissingCode,
    `the database is private, and there is no runner "${functionName}" beside it`,
    { suggestions: ['--create-runner makes one: a function without secrets or permissions', direct] },
  );
}

/** A function that ended without an answer of its own. `payload` is Lambda's description of how. */
export function explainCrash(functionName: string, payload: string): UserError {
  const { errorType, errorMessage: said } = parseCrash(payload);
  const late = errorType === 'Sandbox.Timedout' || /Task timed out/.test(said);
  const what = late ? 'ran out of time' : 'crashed';
  return new UserError(
    late ? 'RUNNER_TIME_OVER' : 'RUNNER_CRASHED',
    `the runner "${functionName}" ${what}: ${said}`,
    {
      exit: exitCodes.temporary,
      suggestions: [
        'the database has rolled back what was not committed; run it again',
        ...(late ? [] : [`${provision} makes it anew`]),
      ],
    },
  );
}

function parseCrash(payload: string): { errorType: string; errorMessage: string } {
  try {
    const parsed = JSON.parse(payload) as { errorType?: unknown; errorMessage?: unknown };
    return {
      errorType: String(parsed.errorType ?? ''),
      errorMessage: String(parsed.errorMessage ?? payload),
    };
  } catch {
    return { errorType: '', errorMessage: payload };
  }
}

function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : '';
}

function statusOf(error: unknown): number | undefined {
  const metadata = (error as { $metadata?: { httpStatusCode?: number } }).$metadata;
  return metadata?.httpStatusCode;
}
