import { usualLoad } from '../rotation/load/load.ts';
import { countRetries } from '../rotation/load/retries.ts';
import type { Benchmark } from './bed.ts';
import {
  cacheMs,
  clientTitles,
  type MeasuredOrder,
  measureOrder,
  type Order,
  orders,
  soakMs,
} from './rotation-orders.ts';
import { median } from './statistics.ts';
import { formatMs, type Row } from './table.ts';

/** What requests notice of a rotation. */
export const rotation: Benchmark = {
  name: 'rotation',
  method: `Through the local Lambda, on PostgreSQL 17: ${usualLoad.perSecond} requests a second (constant arrival; latency counts from the arrival),
each ${usualLoad.holdMs} ms in the database, ${usualLoad.reconnectsOfTen * 10} % of them with a new login, over four functions that take turns, 44 environments at the
most. For each order a world of its own; 5 s of load, two rotations with ${(cacheMs + 1_000) / 1_000} s after each, 8 s more. Failed: of the whole time.
Retried: connections that took more than one login (the others never try again). Delayed: over a second late. p99 is what a served
request takes beyond its time in the database, from the first rotation on, and its ratio to the seconds before. AWS's orders are re-typed from the
templates' steps, 0.5 s between two; nobody tells the Pool's function of them, as AWS's templates do not.
Beyond its drain: the duration without the time in which it slept for the drain (the longest cache, a second, and a quarter of that to watch for late
logins), for the shares of the alias (twice ${soakMs / 1_000} s), and for consumers that could not show the new login yet (with one role: a cache that has to end).`,
  async measure() {
    const rows: Row[] = [];
    for (const order of orders) rows.push(...rowsOf(order, await measureOrder(order)));
    return rows;
  },
};

function rowsOf(order: Order, measured: MeasuredOrder): Row[] {
  return [
    ...measured.targets.map(({ title }) => clientRow(order, measured, title as keyof typeof clientTitles)),
    ...(measured.rotation.length === 0 ? [] : [durationRow(order, measured), callsRow(order, measured)]),
  ];
}

function clientRow(order: Order, { report, metrics }: MeasuredOrder, target: keyof typeof clientTitles): Row {
  const all = report.figures({ target });
  const before = report.figures({ target, phases: ['before'] });
  const since = report.figures({ target, phases: ['during', 'after'] });
  const { connections } = countRetries(metrics, target);
  const failed = all.failed + all.dropped;
  return {
    subject: `${order.title}: ${clientTitles[target]}`,
    n: all.requests,
    measured: `${failed} failed, ${connections} retried, ${all.delayed} delayed, p99 ${formatMs(since.p99)}`,
    peer: `before: p99 ${formatMs(before.p99)}`,
    ratio: since.p99 / before.p99,
    ...(order.spares.includes(target) && { goal: { text: '0 failed', met: failed === 0 } }),
  };
}

function durationRow({ title }: Order, { rotation: reports }: MeasuredOrder): Row {
  const beyond = reports.map(
    ({ durationMs, waitedMs: { drain = 0, next = 0, soak = 0, consumer = 0 } }) =>
      durationMs - drain - next - soak - consumer,
  );
  const took = median(beyond);
  return {
    subject: `${title}: duration beyond its drain`,
    n: reports.length,
    measured: formatMs(took),
    peer: `in all ${formatMs(median(reports.map(({ durationMs }) => durationMs)))}`,
    goal: { text: '< 3 s', met: took < 3_000 },
  };
}

function callsRow({ title }: Order, { calls }: MeasuredOrder): Row {
  const count = (name: string): number => calls.filter((call) => call === name).length;
  const [puts, moves, looks] = ['PutSecretValue', 'UpdateSecretVersionStage', 'DescribeSecret'].map(count);
  return {
    subject: `${title}: calls of Secrets Manager`,
    n: 1,
    measured: `${puts} PutSecretValue, ${moves} UpdateSecretVersionStage`,
    peer: `${looks} looks`,
  };
}
