import { Stack, type StackProps } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import { Callers } from './callers.ts';
import { Functions } from './functions.ts';
import { addOutputs, prefixOf, tag, tagStack } from './names.ts';
import { settings } from './project.ts';

/**
 * HTTP API -> functions -> Heroku Postgres. Heroku changes the database's credentials at will, so the functions ask its API for
 * the present ones.
 */
export class __PROJECT_CLASS__Stack extends Stack {
  constructor(scope: Construct, id: string, props: StackProps) {
    super(scope, id, props);
    tagStack(this);
    const { herokuAddon } = settings('database', { herokuAddon: '' });
    if (herokuAddon === '') {
      throw new Error(
        'cloud.database.herokuAddon in lambdapg.json must name the add-on (heroku addons --json)',
      );
    }
    // Made empty: its value, the API key, is put in by hand.
    const key = new secretsmanager.CfnSecret(this, 'HerokuKey', {
      name: `${prefixOf(this)}/heroku-key`,
      description: "a key of Heroku's API that may read the add-on's configuration",
    });
    tag(key, 'heroku-key');
    const functions = new Functions(this, 'Functions', {
      variables: {
        LAMBDAPG_HEROKU_ADDON: herokuAddon,
        LAMBDAPG_HEROKU_KEY_ARN: key.ref,
        // Heroku's servers sign their own certificates: encrypted, and nobody vouches for the name.
        PGSSLMODE: 'no-verify',
      },
      statements: () => [
        new iam.PolicyStatement({ actions: ['secretsmanager:GetSecretValue'], resources: [key.ref] }),
      ],
    });
    const callers = new Callers(this, 'Callers', functions.aliases);
    addOutputs(this, { url: callers.url });
  }
}
