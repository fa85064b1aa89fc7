/** What goes wrong on purpose. Service and action are botocore's: `rds`, `CreateDBInstance`; `*` is any. */
export interface Fault {
  readonly service?: string;
  readonly action?: string;
  /**
   * `drop-before`: the socket ends and nothing happened. `drop-after`, `error-after`: it happened, the answer is lost
   * or says otherwise. `error` takes `code`, `message` and `status`.
   */
  readonly kind:
    | 'throttling'
    | 'access-denied'
    | 'expired'
    | 'server-error'
    | 'error'
    | 'error-after'
    | 'delay'
    | 'drop-before'
    | 'drop-after';
  /** How often; 1 unless told, a negative number for always. */
  readonly count?: number;
  /** Fitting calls that are spared first. */
  readonly skip?: number;
  /** A part of the input that must be equal; of a list, one item for each given. */
  readonly match?: unknown;
  readonly delayMs?: number;
  readonly code?: string;
  readonly message?: string;
  readonly status?: number;
  /** Named in an access-denied message. */
  readonly resource?: string;
}

export interface LoggedRequest {
  readonly service: string;
  readonly action: string;
  readonly region: string;
  readonly input: Record<string, unknown>;
  /** The SDK's `amz-sdk-request` header: `attempt=1; max=3`. */
  readonly attempt: string;
  readonly userAgent: string;
  readonly startedMs: number;
  readonly endedMs?: number;
  /** 0 for a dropped connection. */
  readonly status?: number;
  readonly error?: string;
  readonly message?: string;
}

/** Something that AWS's models forbid: in a request of the code under test, or in an answer of the gate's own. */
export interface Violation {
  /** `gate`: a bug of the gate itself. */
  readonly where: 'request' | 'answer' | 'gate';
  readonly service: string;
  readonly action: string;
  readonly message: string;
}

/** `service:Action` names. */
export interface HookActions {
  /** Answered by the hook alone. */
  readonly instead?: readonly string[];
  /** Shown to the hook after the effect; it may replace the answer. */
  readonly after?: readonly string[];
}

/** Bytes are base64, times ISO 8601. */
export interface HookCall {
  readonly account: string;
  readonly region: string;
  readonly service: string;
  readonly action: string;
  readonly phase: 'instead' | 'after';
  readonly input: Record<string, unknown>;
  readonly output?: Record<string, unknown>;
}

export interface HookReply {
  readonly output?: Record<string, unknown>;
  readonly error?: { readonly code: string; readonly message: string; readonly status?: number };
}

export type HookHandler = (call: HookCall) => Promise<HookReply | undefined> | HookReply | undefined;

export interface AwsCall {
  readonly service: string;
  readonly action: string;
  readonly input?: Record<string, unknown>;
  readonly region?: string;
  readonly plain?: boolean;
}

export interface StoredFunction {
  readonly zip: string;
  readonly sha256: string;
  readonly version: string;
  readonly configuration: Record<string, unknown>;
  readonly environment: Readonly<Record<string, string>>;
}
