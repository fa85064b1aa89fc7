import { setTimeout as pause } from 'node:timers/promises';
import type { InvokeResult } from '../../../src/local/lambda/local-lambda.ts';
import { LoadReport, type PhaseName } from './load-report.ts';

/** Where requests go: a function, or an alias that divides them among versions. */
export interface LoadTarget {
  readonly title: string;
  invoke(payload: string): Promise<InvokeResult>;
}

export interface LoadOptions {
  readonly targets: readonly LoadTarget[];
  /** Arrivals a second over all targets, which take turns. */
  readonly perSecond: number;
  /** How long a request keeps its environment and its connection, in milliseconds. */
  readonly holdMs: number;
  /** How many of ten requests give up their connection first. */
  readonly reconnectsOfTen: number;
}

/** Requests at a constant rate until it is stopped. */
export interface Load {
  /** What arrives from now on belongs to that phase. */
  enter(phase: PhaseName): void;
  /** Until the first request has its answer. */
  readonly answered: Promise<void>;
  /** Ends the arrivals and waits for the answers. */
  stop(): Promise<LoadReport>;
}

export const usualLoad = { perSecond: 50, holdMs: 600, reconnectsOfTen: 3 } as const;

/** How long a request waits for an environment where all that are allowed are busy: half of what an HTTP API waits for its answer. */
const waitsMs = 15_000;

/**
 * An open model: each request has a moment at which it arrives, whatever became of those before it, and its latency counts from that
 * moment. One that finds no environment in time is dropped.
 */
export function startLoad({ targets, perSecond, holdMs, reconnectsOfTen }: LoadOptions): Load {
  const report = new LoadReport(holdMs);
  const controller = new AbortController();
  const waiting = new Set<Promise<void>>();
  const startedAt = performance.now();
  let phase: PhaseName = 'before';
  let oneIsAnswered = (): void => {};
  const answered = new Promise<void>((resolve) => {
    oneIsAnswered = resolve;
  });
  async function send(at: number, arrivedAt: number): Promise<void> {
    const target = targets[at % targets.length] as LoadTarget;
    // Of the requests of one target, and spread evenly.
    const turn = Math.floor(at / targets.length);
    const reconnect = (turn * reconnectsOfTen) % 10 < reconnectsOfTen;
    const request = { phase, target: target.title, reconnect };
    const result = await invokeInTime(target, JSON.stringify({ holdMs, reconnect }), arrivedAt + waitsMs);
    report.add(request, result, performance.now() - arrivedAt, phase);
    oneIsAnswered();
  }
  async function arrive(): Promise<void> {
    for (let at = 0; !controller.signal.aborted; at += 1) {
      const arrivesAt = startedAt + (at * 1000) / perSecond;
      const early = arrivesAt - performance.now();
      // Late arrivals come at once: none is left out because the ones before took long.
      if (early > 0) await pause(early, undefined, { signal: controller.signal }).catch(() => {});
      if (controller.signal.aborted) return;
      const sent = send(at, arrivesAt).finally(() => waiting.delete(sent));
      waiting.add(sent);
    }
  }
  const arriving = arrive();
  return {
    enter(next) {
      phase = next;
    },
    answered,
    async stop() {
      controller.abort();
      await arriving;
      await Promise.all(waiting);
      return report;
    },
  };
}

/** Those that wait for an environment of a target, in the order of their arrival. */
const waiters = new WeakMap<LoadTarget, (() => void)[]>();

async function invokeInTime(target: LoadTarget, payload: string, until: number): Promise<InvokeResult> {
  const line = waiters.get(target) ?? [];
  waiters.set(target, line);
  for (;;) {
    const result = await target.invoke(payload);
    const left = until - performance.now();
    if (!('throttled' in result) || left <= 0) {
      line.shift()?.();
      return result;
    }
    await inLine(line, left);
  }
}

/** Until it is one's turn, or `longestMs` are over. */
function inLine(line: (() => void)[], longestMs: number): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => {
      line.splice(line.indexOf(go), 1);
      resolve();
    }, longestMs);
    const go = (): void => {
      clearTimeout(timer);
      resolve();
    };
    line.push(go);
  });
}

/** Starts `count` environments of each target, all at once: what arrives later finds them warm. */
export async function warmUp(targets: readonly LoadTarget[], count: number): Promise<void> {
  const calls = targets.flatMap((target) =>
    Array.from({ length: count }, () => target.invoke(JSON.stringify({ holdMs: 0 }))),
  );
  for (const result of await Promise.all(calls)) {
    if ('throttled' in result) throw new Error(`no room to warm up: ${result.throttled}`);
    if (result.failure !== undefined) throw new Error(`warming up: ${result.payload.toString()}`);
  }
}
