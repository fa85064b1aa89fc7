import { toggle } from '../base-command.ts';
import { cloudFlags, policyFlag, routeFlags } from '../cloud-flags.ts';
import { getProject } from '../project/find-project.ts';
import { RotationCommand } from '../rotation-command.ts';
import { rotationFlags } from '../rotation-flags.ts';

export default class RotateCreds extends RotationCommand {
  static override summary = 'New database credentials for a stage, everywhere, without a failed request.';
  static override description =
    `Two logins take turns. The one that nobody uses gets a new password, is tried at every endpoint, becomes current; everybody who
holds the old one is shifted and asked; when nobody uses it any more, it is retired. Stopped at any point (Ctrl-C, a crash),
every login that consumers hold stays valid, and --resume goes on from what is found. docs/rotation.md says for each
topology what is claimed. Exit codes: 0 closed, 1 not done or rolled back, 3 open and safe, 6 consumers cannot log in, 75 try again.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %> --plan',
    '<%= config.bin %> <%= command.id %> --yes',
    '<%= config.bin %> <%= command.id %> --resume --json',
    '<%= config.bin %> <%= command.id %> --status --stage prod',
    '<%= config.bin %> <%= command.id %> --adopt app --rehearse',
  ];
  static override flags = {
    ...cloudFlags,
    ...rotationFlags,
    ...routeFlags,
    yes: toggle('go on without asking', 'y'),
    ...policyFlag,
  };

  async run(): Promise<unknown> {
    const { flags } = await this.parse(RotateCreds);
    const context = this.context();
    const project = await getProject(context.cwd);
    return this.follow(context, project, flags);
  }
}
