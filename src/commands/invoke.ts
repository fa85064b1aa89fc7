import { Args, Flags } from '@oclif/core';
import { BaseCommand, toggle } from '../base-command.ts';
import { cloudFlags, policyFlag } from '../cloud-flags.ts';
import { parseHostMap } from '../database/host-map.ts';
import { exitCodes } from '../errors.ts';
import { invokeLocal } from '../local/invoke-local.ts';
import { readEvent } from '../local/read-event.ts';
import { getProject } from '../project/find-project.ts';
import { findMeasured, formatInvoked, type Invoked } from '../project/invoked.ts';

export default class Invoke extends BaseCommand {
  static override summary = 'Invoke a function, on this computer or deployed.';
  static override description =
    `Without --stage: by the "lambdapg dev" that is running, else it starts what is needed for this one invocation.
The function's answer goes to standard output; its log and what Lambda measured to standard error. Exits 1 when the function
fails.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> overdue',
    `<%= config.bin %> <%= command.id %> api 'GET /books?limit=2' --stage dev`,
    `<%= config.bin %> <%= command.id %> api @event.json --stage prod --qualifier 7`,
    `echo '{"id": 1}' | <%= config.bin %> <%= command.id %> worker - --async --stage dev`,
  ];
  static override args = {
    function: Args.string({ required: true, description: 'its name in lambdapg.json' }),
    event: Args.string({ description: "JSON, @file, - for standard input, or a request: 'GET /books'" }),
  };
  static override flags = {
    ...cloudFlags,
    stage: Flags.string({ description: 'the deployed function of this stage; else the local one' }),
    qualifier: Flags.string({ description: 'version or alias [default: live]', dependsOn: ['stage'] }),
    async: toggle('queue the event, do not wait for the function'),
    ...policyFlag,
  };

  async run(): Promise<unknown> {
    const { args, flags } = await this.parse(Invoke);
    const context = this.context();
    const project = await getProject(context.cwd);
    const payload = await readEvent(context, project, args.function, args.event, process.stdin);
    const invocation = { isAsync: flags.async, qualifier: flags.qualifier };
    if (flags.stage === undefined) {
      const local = { functionName: args.function, payload, isAsync: flags.async };
      return this.show(await invokeLocal(context, project, { ...local, killSignal: this.killSignal }));
    }
    const [{ openWorld }, { invokeFunction }, { policyOf }] = await Promise.all([
      import('../providers/aws/open-world.ts'),
      import('../providers/aws/invoke-function.ts'),
      import('../providers/aws/policy-of.ts'),
    ]);
    const choice = { ...flags, stage: flags.stage, hostMap: parseHostMap({}) };
    const world = await openWorld(context, project, choice);
    if (flags['iam-policy']) {
      return this.print(await policyOf(world, 'invoke'), (policy) => JSON.stringify(policy, null, 2));
    }
    return this.show(await invokeFunction(world, args.function, payload, invocation));
  }

  private show({ payload, logTail, ...invoked }: Invoked): unknown {
    const measured = findMeasured(logTail);
    const log = logTail.trim().split('\n').filter(Boolean);
    if (invoked.functionError !== undefined) process.exitCode = exitCodes.notDone;
    for (const message of log) this.report({ type: 'log', message });
    this.report({ type: 'invoked', message: formatInvoked(invoked, measured) });
    return this.print({ ...invoked, ...measured, payload: parsed(payload), log }, () => payload);
  }
}

function parsed(payload: string): unknown {
  try {
    return JSON.parse(payload);
  } catch {
    return payload;
  }
}
