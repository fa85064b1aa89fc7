import type { LocalFunction } from '../../../src/local/lambda/local-lambda.ts';
import { type awsRuntimeClient, serve } from './lambda-bed.ts';

/** Handlers of every kind, for runtime clients to be compared by. */
export const nodeHandlers = `
  import { setTimeout } from 'node:timers/promises';
  let count = 0;
  export const echo = async (event) => ({ event, count: ++count });
  export const context = async (event, { getRemainingTimeInMillis, awsRequestId, xRayTraceId, ...rest }) =>
    ({ rest, left: getRemainingTimeInMillis() > 0, id: awsRequestId.length, trace: process.env._X_AMZN_TRACE_ID === xRayTraceId });
  export const synchronous = (event) => 'plain ' + event.a;
  export const nothing = async () => {};
  export const unicode = async (event) => event.text;
  export const throws = async () => { throw new RangeError('too far'); };
  export const throwsText = async () => { throw 'just text'; };
  export const own = async () => { throw Object.assign(new Error('with a code'), { name: 'OwnError', code: 'E42' }); };
  export const throwsNull = async () => { throw null; };
  export const strange = async () => { throw Object.create(null); };
  export const unicodeName = async () => { throw Object.assign(new Error('x'), { name: 'Błąd' }); };
  export const bigint = async () => ({ n: 1n });
  export const circular = async () => { const a = {}; a.a = a; return a; };
  export const dates = async () => ({ at: new Date(0), map: new Map([[1, 2]]), undef: undefined, nan: NaN });
  export const never = () => new Promise(() => {});
  export const exits = async () => process.exit(7);
  export const late = async () => { setTimeout(0).then(() => { throw new Error('stray'); }); await setTimeout(200); return 'too late'; };
  export const callback = (event, context, done) => done(null, 1);
  export const nested = { deep: { handler: async () => 'deep' } };
  export const notAFunction = 42;
`;

export const pythonHandlers = `
import collections, decimal, sys
count = 0
Pair = collections.namedtuple("Pair", "a b")
class OwnError(Exception): pass
def echo(event, context):
    global count
    count += 1
    return {"event": event, "count": count}
def context(event, context):
    c = context.client_context
    return {"name": context.function_name, "version": context.function_version, "arn": context.invoked_function_arn,
        "memory": context.memory_limit_in_mb, "group": context.log_group_name, "id": len(context.aws_request_id),
        "left": context.get_remaining_time_in_millis() > 0, "identity": context.identity.cognito_identity_id,
        "custom": c and c.custom, "app": c and c.client and c.client.app_title}
def nothing(event, context): pass
def unicode(event, context): return event["text"]
def numbers(event, context): return {"d": decimal.Decimal("1.10"), "pair": Pair(1, 2), "bytes": b"x", "list": (1, 2.5, None, True)}
def nans(event, context): return [float("nan"), decimal.Decimal("NaN")]
def raw(event, context): return b"raw bytes"
def throws(event, context): raise OwnError("too far")
def unset(event, context): return {1, 2}
def circular(event, context):
    a = []
    a.append(a)
    return a
def exits(event, context): sys.exit(7)
`;

/** One function for each handler of the table, and for one that is not there. */
export function everyHandler(fn: LocalFunction): LocalFunction[] {
  const code = fn.language === 'node' ? nodeHandlers : pythonHandlers;
  const names = [...code.matchAll(/^ *(?:export const|def) (\w+)/gm)].map(([, name]) => `index.${name}`);
  const more = fn.language === 'node' ? ['index.nested.deep.handler', 'index.missing'] : ['index.missing'];
  return [...names, ...more].map((handler, index) => ({ ...fn, name: `fn${index}`, handler }));
}

const event = { a: 1, text: 'żółć 🐘 \u2028' };
const clientContext = JSON.stringify({ custom: { key: 'Ü' }, client: { app_title: 'app' } });

/** A process for each of many handlers, twice: slow where the machine is busy. */
export const patienceMs = 180_000;

/** Twice each, so that warm environments are compared as well. */
export async function answersOf(
  functions: readonly LocalFunction[],
  runtimeClient?: typeof awsRuntimeClient,
) {
  const { lambda } = await serve(functions, runtimeClient === undefined ? {} : { runtimeClient });
  const answers: Record<string, unknown> = {};
  for (const { name, handler } of functions) {
    const told = [];
    for (let round = 0; round < 2; round += 1) {
      const outcome = await lambda.invoke(name, JSON.stringify(event), { clientContext });
      if ('throttled' in outcome) throw new Error('throttled');
      const { requestId, failure } = outcome;
      const payload = comparable(outcome.payload.toString(), requestId);
      told.push(
        failure === undefined ? payload : { errorType: failure.errorType, ...comparableError(payload) },
      );
    }
    answers[handler] = told;
  }
  await lambda.stop();
  return answers;
}

/** The very text, without what must differ: request ids, log streams, the places of the runtime clients. */
function comparable(payload: string, requestId: string): string {
  return payload
    .replaceAll(requestId, '<id>')
    .replace(/\[\$LATEST\][0-9a-f]{32}/, '<log stream>')
    .replace(/- \S+(aws-lambda-ric|runtime-clients)\/\w+\.mjs/, '- <runtime client>')
    .replaceAll(/BufferedInvokeProcessor\.(\w+) \[as handler\]/g, '$1');
}

/** An error, without the stack frames inside the runtime clients. */
function comparableError(payload: string): object {
  const { trace, stackTrace, ...rest } = JSON.parse(payload) as Record<string, unknown>;
  const frames = trace ?? stackTrace;
  const isOwn = (frame: string) => /index\.(mjs|py)/.test(frame) && !/ric\b|runtime-clients/.test(frame);
  return { ...rest, frames: Array.isArray(frames) ? frames.filter(isOwn) : undefined };
}
