import * as z from 'zod';

const cacheSeconds = z.int().min(0).max(86_400).optional();

const functionConsumer = z
  .strictObject({
    function: z
      .string()
      .regex(/^[\w:.{}-]+$/, 'expected the name or the ARN of a function')
      .describe("Name or ARN of a function that is none of this project's own."),
    alias: z
      .string()
      .regex(/^(?!\d+$)[\w-]+$/, 'expected the name of an alias, such as "live"')
      .optional()
      .describe('The alias that its callers use; without one they call $LATEST.'),
    credentials: z
      .enum(['module', 'environment', 'cached', 'start'])
      .describe(
        "How it gets the login: lambdapg's connection module; environment variables; the secret, read anew after cacheSeconds; the secret, read once by each execution environment.",
      ),
    variables: z
      .strictObject({
        user: z.string().optional(),
        password: z.string().optional(),
        url: z.string().optional(),
        next: z.string().optional().describe('Tried when the password is refused (strategy "next").'),
      })
      .optional()
      .describe('Its variables; else PGUSER and PGPASSWORD, or DATABASE_URL where it has that.'),
    cacheSeconds: cacheSeconds.describe('How long it may use what it has read; default 300.'),
    concurrency: z
      .int()
      .min(1)
      .optional()
      .describe('Most execution environments at once, where no concurrency is reserved.'),
    event: z
      .union([z.record(z.string(), z.unknown()), z.literal(false)])
      .optional()
      .describe(
        "What it is asked with after the shift, harmlessly; default: the connection module's probe. false: it is not invoked.",
      ),
  })
  .describe('A Lambda function that uses the login of this project.');

const parameterConsumer = z
  .strictObject({
    parameter: z.string().regex(/^[\w./{}-]+$/, 'expected the name of a parameter, such as "/shop/db"'),
    form: z.enum(['json', 'url', 'password']).default('json'),
    cacheSeconds: cacheSeconds.describe('How long its readers keep it; default 300.'),
  })
  .describe('A copy of the login in SSM Parameter Store.');

const secretConsumer = z
  .strictObject({
    secret: z.string().min(1).describe('Name or ARN.'),
    form: z.enum(['json', 'url']).default('json'),
    cacheSeconds: cacheSeconds.describe('How long its readers keep it; default 300.'),
  })
  .describe('A copy of the login in another secret.');

/** Who else holds the login of a stage; in texts `{stage}` stands for its name. */
export const rotationSchema = z
  .strictObject({
    consumers: z
      .array(
        z.union(
          [functionConsumer, parameterConsumer, secretConsumer],
          'expected {"function": …, "credentials": …}, {"parameter": …} or {"secret": …}',
        ),
      )
      .default([])
      .describe(
        'Besides the functions of this project. "lambdapg rotate-creds --find-consumers" finds them. "{stage}" in a name stands for the stage.',
      ),
  })
  .describe('For `lambdapg rotate-creds`.');

export type RotationConfig = z.infer<typeof rotationSchema>;
export type ConsumerConfig = RotationConfig['consumers'][number];
export type FunctionConsumerConfig = z.infer<typeof functionConsumer>;
export type ParameterConsumerConfig = z.infer<typeof parameterConsumer>;
export type SecretConsumerConfig = z.infer<typeof secretConsumer>;
