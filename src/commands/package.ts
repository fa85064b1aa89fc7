import { resolve } from 'node:path';
import { Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';
import { cloudFlags } from '../cloud-flags.ts';
import { getProject } from '../project/find-project.ts';
import type { ProjectPackage } from '../project/package/package-project.ts';
import { packageStage } from '../providers/aws/engine/package-stage.ts';

export default class Package extends BaseCommand {
  static override summary = "Build what the project's engine uploads: a zip for each function.";
  static override description =
    `Into .lambdapg/package: <function>.zip, with RDS's certificate authorities where functions reach the database without a proxy;
layer.zip of a Python project whose packages are a layer; runner.zip, which works on a private database; schema.zip, by which
AWS CDK migrates and seeds. For Lambda's system, whatever this one is; the same sources make the same bytes. lambdapg deploy
runs this by itself.`;
  static override examples = [
    '<%= config.bin %> <%= command.id %>',
    '<%= config.bin %> <%= command.id %> --function api --out dist',
    '<%= config.bin %> <%= command.id %> --region eu-central-1 --json',
  ];
  static override flags = {
    region: cloudFlags.region,
    profile: cloudFlags.profile,
    function: Flags.string({ multiple: true, description: 'only this one; may be given several times' }),
    out: Flags.string({ description: 'another folder', helpValue: 'folder' }),
  };

  async run(): Promise<ProjectPackage> {
    const { flags } = await this.parse(Package);
    const context = this.context();
    const project = await getProject(context.cwd);
    const packaged = await packageStage(context, project, {
      ...{ only: flags.function, region: flags.region, profile: flags.profile },
      out: flags.out === undefined ? undefined : resolve(context.cwd, flags.out),
    });
    return this.print(packaged, format);
  }
}

function format({ dir, zips }: ProjectPackage): string {
  const lines = zips.map(({ file, bytes }) => `  ${file} ${Math.ceil(bytes / 1024)} kB`);
  return [dir, ...lines].join('\n');
}
