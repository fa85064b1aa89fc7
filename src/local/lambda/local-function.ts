/** One function as the local Lambda serves it. */
export interface LocalFunction {
  readonly name: string;
  readonly language: 'node' | 'python';
  /** Lambda's name of it, such as `nodejs24.x`. */
  readonly runtime: string;
  /** Absolute path of the `node` or `python` that runs it. */
  readonly executable: string;
  /** Absolute: what Lambda unpacks as /var/task. */
  readonly codeDir: string;
  /** As Lambda's `_HANDLER`: `index.handler`, `app/api.handler`. */
  readonly handler: string;
  readonly timeoutMs: number;
  readonly memoryMb: number;
  readonly reservedConcurrency?: number;
  readonly environment: Readonly<Record<string, string>>;
  /** HTTP API routes in AWS form: `GET /books/{id}`, `ANY /{proxy+}`, `$default`. */
  readonly routes: readonly string[];
  /** EventBridge schedule, such as `rate(1 day)`; nothing fires it here, an empty Invoke stands for it. */
  readonly schedule?: string;
  /** What the function is told that it was invoked by; one of this computer's unless told. */
  readonly arn?: string;
  /** `$LATEST` unless told. */
  readonly version?: string;
}

export const localRegion = 'us-east-1';
export const localAccount = '000000000000';

export function functionVersion(fn: LocalFunction): string {
  return fn.version ?? '$LATEST';
}

export function functionArn(name: string): string {
  return `arn:aws:lambda:${localRegion}:${localAccount}:function:${name}`;
}
