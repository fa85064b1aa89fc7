/*
 * The Node runtime client of the local Lambda: asks the Runtime API for events, calls the handler, posts what it
 * says. It stands where /var/runtime/index.mjs stands on Lambda and behaves like AWS's own client
 * (aws-lambda-ric 4 for nodejs24.x, its version 3 for nodejs22.x), without a native addon. It runs in the user's
 * process, on Node 20.19 and later, so it imports nothing but Node and leaves no handle that keeps the event loop
 * alive while the handler works.
 */
import { existsSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { createRequire } from 'node:module';
import { basename, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { format } from 'node:util';

const { env } = process;
const [host, port] = (env.AWS_LAMBDA_RUNTIME_API ?? '').split(':');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
/** Node 24 on Lambda took callbacks away and leaves stray errors to Node itself; Node 22 does neither. */
const legacy = env.AWS_EXECUTION_ENV === 'AWS_Lambda_nodejs22.x';
let requestId;

function call(method, path, body, headers) {
  return new Promise((done, fail) => {
    const sent = request(
      { host, port, path: `/2018-06-01/runtime${path}`, method, agent, headers },
      (answer) => {
        const chunks = [];
        answer.on('data', (chunk) => chunks.push(chunk));
        answer.on('end', () =>
          done({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(chunks) }),
        );
        answer.on('error', fail);
      },
    );
    sent.on('error', fail);
    sent.end(body);
  }).catch(() => {
    // The Runtime API is gone, and with it whoever started this process: nobody is left to tell.
    process.exit(1);
  });
}

const post = (path, body) =>
  call('POST', path, body, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
  });

class RuntimeError extends Error {
  constructor(type, message, cause) {
    super(message);
    this.name = `Runtime.${type}`;
    if (cause instanceof Error && type === 'UserCodeSyntaxError') this.stack = cause.stack;
  }
}

function errorBody(error) {
  try {
    if (!(error instanceof Error)) {
      return { errorType: typeof error, errorMessage: String(error), trace: [] };
    }
    return {
      errorType: String(error.name),
      errorMessage: error.message,
      trace: error.stack?.split('\n') ?? [],
    };
  } catch {
    // A getter that throws, an object without a string form; in the words of AWS's client.
    return {
      errorType: 'handled',
      errorMessage:
        'callback called with Error argument, but there was a problem while retrieving one or more of its message, name, and stack',
      trace: [],
    };
  }
}

/** As Lambda logs an error: one line, with the properties that JSON.stringify would leave out. */
function logError(title, thrown) {
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const shown = (value) =>
    value instanceof Error
      ? {
          errorType: value.name,
          errorMessage: value.message,
          code: value.code,
          ...value,
          stack: value.stack?.split('\n'),
        }
      : value;
  let json;
  try {
    json = JSON.stringify(error, (_key, value) => shown(value));
  } catch {
    json = JSON.stringify(errorBody(error));
  }
  console.error(title, `\t${json}`);
}

function patchConsole() {
  const levels = {
    trace: 'TRACE',
    debug: 'DEBUG',
    info: 'INFO',
    log: 'INFO',
    warn: 'WARN',
    error: 'ERROR',
    fatal: 'FATAL',
  };
  for (const [method, level] of Object.entries(levels)) {
    console[method] = (message, ...values) => {
      const line = [new Date().toISOString(), requestId ?? '-', level, format(message, ...values)].join('\t');
      // A carriage return keeps a message with several lines one entry, as in CloudWatch.
      process.stdout.write(`${line.replace(/\n/g, '\r')}\n`);
    };
  }
}

/** `path/to/module.nested.export` under the task root, found and refused as aws-lambda-ric does it. */
async function loadHandler() {
  const handlerString = env._HANDLER ?? '';
  if (handlerString.includes('..')) {
    throw new RuntimeError(
      'MalformedHandlerName',
      `'${handlerString}' is not a valid handler name. Use absolute paths when specifying root directories in handler names.`,
    );
  }
  const name = basename(handlerString);
  const [, moduleName, exportName] = name.match(/^([^.]*)\.(.*)$/) ?? [];
  if (moduleName === undefined) throw new RuntimeError('MalformedHandlerName', 'Bad handler');
  const folder = resolve(env.LAMBDA_TASK_ROOT, handlerString.slice(0, handlerString.indexOf(name)));
  const module = await loadModule(folder, moduleName);
  const find = (from) =>
    exportName.split('.').reduce((at, key) => (at && typeof at === 'object' ? at[key] : undefined), from);
  const handler = find(module) ?? find(module?.default);
  if (!handler) throw new RuntimeError('HandlerNotFound', `${handlerString} is undefined or not exported`);
  if (typeof handler !== 'function')
    throw new RuntimeError('HandlerNotFound', `${handlerString} is not a function`);
  return handler;
}

async function loadModule(folder, moduleName) {
  try {
    for (const extension of ['', '.js', '.mjs', '.cjs']) {
      const file = join(folder, moduleName + extension);
      if (existsSync(file)) return await import(pathToFileURL(file).href);
    }
    const require = createRequire(import.meta.url);
    return require(require.resolve(moduleName, { paths: [env.LAMBDA_TASK_ROOT, folder] }));
  } catch (error) {
    if (error instanceof SyntaxError) throw new RuntimeError('UserCodeSyntaxError', String(error), error);
    if (error?.code === 'MODULE_NOT_FOUND') throw new RuntimeError('ImportModuleError', String(error));
    throw error;
  }
}

function refuseUnsupported(handler) {
  if (handler[Symbol.for('aws.lambda.runtime.handler.streaming')]) {
    throw new RuntimeError(
      'InvalidStreamingOperation',
      'lambdapg dev does not serve streaming handlers (awslambda.streamifyResponse): return the response instead, or test it on AWS',
    );
  }
  if (handler.length >= 3 && !legacy) {
    throw new RuntimeError(
      'CallbackHandlerDeprecated',
      'ERROR: AWS Lambda has removed support for callback-based function handlers starting with Node.js 24. You need to modify this function to use a supported handler signature to use Node.js 24 or later. For more information see https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html.',
    );
  }
}

function contextFrom(headers) {
  const parsed = (name) => (headers[name] ? JSON.parse(headers[name]) : undefined);
  const deadlineMs = Number(headers['lambda-runtime-deadline-ms']);
  return {
    clientContext: parsed('lambda-runtime-client-context'),
    identity: parsed('lambda-runtime-cognito-identity'),
    invokedFunctionArn: headers['lambda-runtime-invoked-function-arn'],
    awsRequestId: headers['lambda-runtime-aws-request-id'],
    tenantId: headers['lambda-runtime-aws-tenant-id'],
    xRayTraceId: headers['lambda-runtime-trace-id'],
    getRemainingTimeInMillis: () => deadlineMs - Date.now(),
    functionName: env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: env.AWS_LAMBDA_LOG_STREAM_NAME,
  };
}

function serialize(value) {
  try {
    return JSON.stringify(value === undefined ? null : value);
  } catch {
    throw new RuntimeError('JSONStringifyError', 'Unable to stringify response body');
  }
}

const postError = (error) => post(`/invocation/${requestId}/error`, JSON.stringify(errorBody(error)));

/* What only nodejs22.x does: callbacks, and errors that escape the handler answered instead of a dead process. */

let onEmptyLoop;

function runLegacy(handler, event, context) {
  return new Promise((succeed, fail) => {
    let waited = true;
    const callback = (error, result) => {
      const settle = () => (error ? fail(error) : succeed(result));
      if (!waited || !context.callbackWaitsForEmptyEventLoop) settle();
      else onEmptyLoop = settle;
    };
    onEmptyLoop = () => {
      if (handler.constructor.name !== 'AsyncFunction') return succeed(null);
      const exit = new RuntimeError(
        'NodeJsExit',
        'The Lambda runtime client detected an unexpected Node.js exit code. This is most commonly caused by a Promise that was never settled. For more information, see https://nodejs.org/docs/latest/api/process.html#process_exit_codes',
      );
      fail(exit);
    };
    Object.assign(context, {
      callbackWaitsForEmptyEventLoop: true,
      done: callback,
      succeed: (result) => callback(null, result),
      fail: (error) => callback(error ?? 'handled'),
    });
    const returned = handler(event, context, callback);
    if (typeof returned?.then === 'function') {
      waited = false;
      returned.then(succeed, fail);
    }
  }).finally(() => {
    onEmptyLoop = undefined;
  });
}

function answerStrayErrors() {
  process.on('beforeExit', () => onEmptyLoop?.());
  const answer = (title, exitCode) => async (error) => {
    logError(title, error);
    if (requestId === undefined) await post('/init/error', JSON.stringify(errorBody(error)));
    else await postError(error);
    process.exit(exitCode);
  };
  const uncaught = answer('Uncaught Exception', 129);
  const unhandled = answer('Unhandled Promise Rejection', 128);
  process.on('uncaughtException', (error) => void uncaught(error));
  process.on('unhandledRejection', (reason) => {
    const error = new RuntimeError('UnhandledPromiseRejection', String(reason));
    error.reason = reason;
    void unhandled(error);
  });
}

async function handleNext(handler) {
  const next = await call('GET', '/invocation/next');
  requestId = next.headers['lambda-runtime-aws-request-id'];
  const trace = next.headers['lambda-runtime-trace-id'];
  if (trace) env._X_AMZN_TRACE_ID = trace;
  else delete env._X_AMZN_TRACE_ID;
  try {
    const event = JSON.parse(next.body.toString('utf8'));
    const context = contextFrom(next.headers);
    const result = serialize(await (legacy ? runLegacy(handler, event, context) : handler(event, context)));
    await post(`/invocation/${requestId}/response`, result);
  } catch (error) {
    logError('Invoke Error', error);
    await postError(error);
  }
}

async function main() {
  globalThis.awslambda = {
    ...globalThis.awslambda,
    streamifyResponse: (handler) => {
      handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'response';
      return handler;
    },
  };
  patchConsole();
  if (legacy) answerStrayErrors();
  let handler;
  try {
    handler = await loadHandler();
    refuseUnsupported(handler);
  } catch (error) {
    logError('Init Error', error);
    await post('/init/error', JSON.stringify(errorBody(error)));
    process.exit(1);
  }
  while (true) await handleNext(handler);
}

// Not awaited: with a promise that never settles Node then ends with status 0, as AWS's client does, and not with 13.
void main();
