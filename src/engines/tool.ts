import type { CloudConfig } from '../project/config-schema.ts';

/** One stage, as its engine's commands name it. */
export interface EngineStage {
  readonly project: string;
  readonly stage: string;
  /** `<project>-<stage>` */
  readonly stack: string;
  /** Absolute. */
  readonly projectDir: string;
  readonly account: string;
  readonly region: string;
  /** The answers, for engines that cannot read `lambdapg.json`. */
  readonly cloud: CloudConfig;
  /** Of the subnets that the answers name, for engines that cannot ask. */
  readonly vpcId?: string;
  /** `--profile`; else as the environment says. */
  readonly profile?: string;
}

/** The program that an engine is. */
export interface ToolSpec {
  /** As it is called: from a `node_modules/.bin` of the project, else from the path. */
  readonly file: string;
  /** Folder of the project that it is started in; `.` for the project's own. */
  readonly folder: string;
  readonly versionArgs: readonly string[];
  /** Finds the version in what it prints; undefined: it is another program of that name. */
  readonly readVersion: (printed: string) => string | undefined;
  /** Versions that the templates work with, as npm writes ranges. */
  readonly range: string;
  /** Versions inside or outside the range that need a word of their own. */
  readonly refused?: Readonly<Record<string, string>>;
  /** Of npm; absent where it comes from elsewhere. */
  readonly npmPackage?: string;
  /** What to run to have it. */
  readonly install: readonly string[];
  /** Added to the environment of each call. */
  readonly environment?: (stage: EngineStage) => Readonly<Record<string, string>>;
}

/** An engine's program, found and of a version that the templates work with. */
export interface Tool {
  readonly version: string;
  /**
   * Runs it with the person's terminal, to its end.
   *
   * @throws UserError ENGINE_FAILED for an exit code that `accept` has not; the signal's reason once the interrupted tool has ended
   */
  run(args: readonly string[], call?: ToolCall): Promise<number>;
  /** Shows what it prints, and takes it as well; any exit code will do. */
  show(args: readonly string[], call?: ToolCall): Promise<ToolOutput>;
  /** Takes what it prints, which nobody sees; any exit code will do. */
  read(args: readonly string[], call?: ToolCall): Promise<ToolOutput>;
}

export interface ToolCall {
  /** Exit codes that are no failure; 0 alone unless told. */
  readonly accept?: readonly number[];
  /** What to do when it fails. */
  readonly suggestions?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface ToolOutput {
  readonly exitCode: number;
  readonly stdout: string;
  /** Both streams. */
  readonly all: string;
}
