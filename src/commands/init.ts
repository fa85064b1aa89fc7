import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../base-command.ts';

export default class Init extends BaseCommand {
  static override summary = 'Make a new project that runs on this computer at once.';
  static override args = { directory: Args.string({ description: 'folder to make' }) };
  static override flags = { yes: Flags.boolean({ char: 'y', description: 'take the defaults' }) };
  async run(): Promise<void> {
    await this.parse(Init);
  }
}
