import type { EngineStage, Tool, ToolSpec } from './tool.ts';

/** What an engine knows of a stage, where CloudFormation does not. */
export interface EngineState {
  readonly resources: readonly string[];
  readonly outputs: Readonly<Record<string, string>>;
}

/** Who makes the resources of a project, and by which commands. */
export interface Engine {
  readonly title: string;
  readonly tool: ToolSpec;
  /** Makes and changes. What it prints goes to the person. */
  deploy(tool: Tool, stage: EngineStage): Promise<void>;
  /** Prints what `deploy` would do. @returns whether there is something; absent: the engine cannot tell */
  readonly plan?: (tool: Tool, stage: EngineStage) => Promise<boolean>;
  destroy(tool: Tool, stage: EngineStage): Promise<void>;
  /** Absent: a CloudFormation stack of the stage's name knows. */
  readonly readState?: (tool: Tool, stage: EngineStage) => Promise<EngineState>;
}
