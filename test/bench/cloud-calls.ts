import type { LoggedRequest } from '../bed/bed.ts';
import { type CloudBed, countOf, nameOf, withCloudBed } from '../e2e/cloud-bed.ts';
import type { Benchmark } from './bed.ts';
import { atMost, formatMs, type Row } from './table.ts';

const rounds = 4;
/** Long against what the processors do, so that only the order of the calls is seen. */
const delayMs = 800;
const goal = 1.3;

/**
 * No call needs the answer of more than one other: tags, attributes and parameters are asked of what a describe has named, and
 * the login of the functions is read once their database is there.
 */
const deepestChain = 2;

const commands: readonly (readonly string[])[] = [['status'], ['provision', '--plan']];
const variants: readonly (readonly [title: string, flags: readonly string[]])[] = [
  ['', []],
  [' (proxy)', ['--proxy']],
];

/** Whether a command's calls to AWS go out side by side, and how many they are. */
export const cloudCalls: Benchmark = {
  name: 'cloud-calls',
  method: `On the test bed, a stage with two functions where nothing is to be done. Each command runs with ${delayMs} ms added to every
call and, in turn, without; the quickest with less the quickest without is what waiting for AWS costs, free of what the emulator costs.
It is compared with the deepest chain of calls that need one another's answers: ${deepestChain}, a describe and what is asked of what it found.
On a busy machine the number of calls in a row, by the log of the delayed run, says more than the time. A list call names no single
resource; the same question is a call with the same input. Prices are not asked for: they are kept for a day.`,
  async measure() {
    const rows: Row[] = [];
    for (const [title, flags] of variants) {
      await withCloudBed(async (cloud) => {
        await provide(cloud, flags);
        for (const command of commands) rows.push(...(await measureCommand(cloud, command, title)));
      });
    }
    return rows;
  },
};

async function provide({ run }: CloudBed, flags: readonly string[]): Promise<void> {
  await verify(run('provision', '--yes', '--no-prices', ...flags));
  await verify(run('deploy', '--yes'));
}

async function measureCommand(cloud: CloudBed, command: readonly string[], title: string): Promise<Row[]> {
  const { bed, run } = cloud;
  const args = [...command, '--no-prices', '--json'];
  const time = async (): Promise<number> => {
    const began = performance.now();
    await verify(run(...args));
    return performance.now() - began;
  };
  await time();
  const quickest = { delayed: Number.POSITIVE_INFINITY, plain: Number.POSITIVE_INFINITY };
  let inARow = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round += 1) {
    await bed.clearRequests();
    await bed.fault({ service: '*', action: '*', kind: 'delay', delayMs, count: -1 });
    quickest.delayed = Math.min(quickest.delayed, await time());
    inARow = Math.min(inARow, longestRow(await bed.requests()));
    await bed.clearFaults();
    quickest.plain = Math.min(quickest.plain, await time());
  }
  await bed.clearRequests();
  await verify(run(...args));
  const requests = await bed.requests();
  const waited = quickest.delayed - quickest.plain;
  const ratio = waited / (deepestChain * delayMs);
  const subject = `no-op \`${command.join(' ')}\`${title}`;
  const asked = requests.map((request) => `${nameOf(request)} ${JSON.stringify(request.input)}`);
  const lists = requests.filter(({ action, input }) => isList(action, input)).map(nameOf);
  return [
    {
      subject: `${subject}, waiting`,
      n: rounds,
      measured: formatMs(waited),
      peer: `${deepestChain} calls in a row ${formatMs(deepestChain * delayMs)}`,
      ratio,
      goal: atMost(Number(ratio.toFixed(2)), goal),
    },
    {
      subject: '– calls in a row',
      n: rounds,
      measured: String(inARow),
      peer: `needed ${deepestChain}`,
      ratio: inARow / deepestChain,
      goal: atMost(inARow / deepestChain, goal),
    },
    { subject: '– calls', n: 1, measured: String(requests.length) },
    { subject: '– list calls of one kind', n: 1, ...most(lists) },
    { subject: '– same question, asked', n: 1, ...most(asked) },
  ];
}

/** The most calls of which each began after the one before had ended. */
function longestRow(requests: readonly LoggedRequest[]): number {
  let [length, end] = [0, Number.NEGATIVE_INFINITY];
  const byEnd = [...requests].sort((a, b) => (a.endedMs ?? 0) - (b.endedMs ?? 0));
  for (const { startedMs, endedMs = startedMs } of byEnd) {
    if (startedMs < end) continue;
    length += 1;
    end = endedMs;
  }
  return length;
}

/** A question about all of a kind: no member of its input names one resource. */
const isList = (action: string, input: Record<string, unknown>): boolean =>
  /^(Describe|List|Get)/.test(action) &&
  action !== 'GetCallerIdentity' &&
  action !== 'GetAccountSettings' &&
  !Object.keys(input).some((key) => /(Identifier|Name|Id|Arn|ARN|Rule|Attribute|Engine)$/.test(key));

const most = (names: readonly string[]): Pick<Row, 'measured' | 'goal'> => {
  const times = Math.max(0, ...Object.values(countOf(names)));
  return { measured: `${times} time${times === 1 ? '' : 's'}`, goal: atMost(times, 1) };
};

async function verify(running: ReturnType<CloudBed['run']>): Promise<void> {
  const { exitCode, stderr } = await running;
  if (exitCode !== 0) throw new Error(stderr);
}
