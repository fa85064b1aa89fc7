import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Bed, HookCall, HookReply } from '../bed.ts';
import { bindParameters, type DataParameter, fieldsOf } from './data-fields.ts';
import type { Databases } from './databases.ts';
import type { HostMap } from './host-map.ts';

export interface DataApiOptions {
  readonly bed: Bed;
  readonly ca: string;
  readonly databases: Databases;
  readonly hostMap: HostMap;
}

interface Transaction {
  readonly client: pg.Client;
  readonly resourceArn: string;
}

interface Input {
  readonly resourceArn: string;
  readonly secretArn: string;
  readonly sql?: string;
  readonly database?: string;
  readonly transactionId?: string;
  readonly parameters?: readonly DataParameter[];
  readonly parameterSets?: readonly (readonly DataParameter[])[];
  readonly includeResultMetadata?: boolean;
  readonly formatRecordsAs?: 'JSON' | 'NONE';
}

/** "The response size is limited to 1 MiB." (Amazon Aurora User Guide, Using the RDS Data API) */
const responseLimit = 1024 * 1024;

class Refused extends Error {
  readonly code: string;
  readonly status: number;

  constructor(code: string, message: string, status = 400) {
    super(message);
    this.code = code;
    this.status = status;
  }
}

/** The Data API of Aurora clusters with an HTTP endpoint, with the login of the secret on the real server. */
export class DataApi {
  static readonly hooks = [
    'ExecuteStatement',
    'BatchExecuteStatement',
    'BeginTransaction',
    'CommitTransaction',
    'RollbackTransaction',
  ].map((action) => `rds-data:${action}`);
  readonly #options: DataApiOptions;
  readonly #transactions = new Map<string, Transaction>();

  constructor(options: DataApiOptions) {
    this.#options = options;
  }

  async handle({ action, input }: HookCall): Promise<HookReply> {
    try {
      return { output: await this.#answer(action, input as unknown as Input) };
    } catch (error) {
      const refused = error instanceof Refused ? error : explained(error);
      if (refused === undefined) throw error;
      return { error: { code: refused.code, message: refused.message, status: refused.status } };
    }
  }

  async stop(): Promise<void> {
    for (const { client } of this.#transactions.values()) await client.end().catch(() => {});
    this.#transactions.clear();
  }

  async #answer(action: string, input: Input): Promise<Record<string, unknown>> {
    switch (action) {
      case 'BeginTransaction': {
        const client = await this.#connect(input);
        await client.query('BEGIN');
        const transactionId = Buffer.from(randomUUID()).toString('base64');
        this.#transactions.set(transactionId, { client, resourceArn: input.resourceArn });
        return { transactionId };
      }
      case 'CommitTransaction':
        await this.#end(input, 'COMMIT');
        return { transactionStatus: 'Transaction Committed' };
      case 'RollbackTransaction':
        await this.#end(input, 'ROLLBACK');
        return { transactionStatus: 'Rollback Complete' };
      case 'BatchExecuteStatement': {
        const sets = input.parameterSets ?? [[]];
        await this.#withClient(input, async (client) => {
          for (const parameters of sets) await client.query(statementOf(input.sql ?? '', parameters));
        });
        return { updateResults: sets.map(() => ({ generatedFields: [] })) };
      }
      default:
        return this.#withClient(input, async (client) => {
          const result = await client.query<unknown[]>(statementOf(input.sql ?? '', input.parameters ?? []));
          return answerOf(result, input);
        });
    }
  }

  async #withClient<T>(input: Input, work: (client: pg.Client) => Promise<T>): Promise<T> {
    if (input.transactionId !== undefined) return work(this.#find(input).client);
    const client = await this.#connect(input);
    try {
      return await work(client);
    } finally {
      await client.end();
    }
  }

  #find({ transactionId = '', resourceArn }: Input): Transaction {
    const found = this.#transactions.get(transactionId);
    if (found?.resourceArn === resourceArn) return found;
    throw new Refused('TransactionNotFoundException', `Transaction ${transactionId} is not found`, 404);
  }

  async #end(input: Input, statement: string): Promise<void> {
    const { client } = this.#find(input);
    this.#transactions.delete(input.transactionId ?? '');
    try {
      await client.query(statement);
    } finally {
      await client.end();
    }
  }

  async #connect(input: Input): Promise<pg.Client> {
    const { ca, hostMap } = this.#options;
    const name = this.#findWriter(input.resourceArn);
    const place = hostMap.get(name);
    const { username, password } = await this.#readSecret(input.secretArn);
    const client = new pg.Client({
      ...{ ...place, user: username, password, database: input.database ?? username },
      application_name: 'rds-data-api',
      ssl: { ca, servername: name, checkServerIdentity: () => undefined },
      // As text: fieldsOf makes of it what the Data API makes of it.
      types: { getTypeParser: () => (text: string) => text },
    });
    client.on('error', () => {});
    await client.connect();
    return client;
  }

  /** The name of its writer. */
  #findWriter(arn: string): string {
    const database = this.#options.databases.find('cluster', arn.split(':').at(-1) ?? '');
    if (database === undefined)
      throw new Refused('DatabaseNotFoundException', `DB cluster not found: ${arn}`, 404);
    if (!database.httpEndpoint) {
      const message = `HttpEndpoint is not enabled for resource ${arn}`;
      throw new Refused('HttpEndpointNotEnabledException', message);
    }
    const [name] = database.names.writer;
    if (name === undefined || !database.server.running) {
      throw new Refused(
        'DatabaseUnavailableException',
        'The writer instance in the DB cluster is not available',
        504,
      );
    }
    return name;
  }

  async #readSecret(arn: string): Promise<{ username: string; password: string }> {
    const call = { service: 'secretsmanager', action: 'GetSecretValue' };
    const input = { SecretId: arn, VersionStage: 'AWSCURRENT' };
    const { SecretString = '{}' } = await this.#options.bed
      .aws<{ SecretString?: string }>({ ...call, input })
      .catch((error: unknown) => {
        throw new Refused('SecretsErrorException', `cannot read the secret ${arn}: ${error}`);
      });
    const { username, password } = JSON.parse(SecretString) as Record<string, unknown>;
    if (typeof username === 'string' && typeof password === 'string') return { username, password };
    throw new Refused('InvalidSecretException', `the secret ${arn} holds no username and password`);
  }
}

function statementOf(sql: string, parameters: readonly DataParameter[]) {
  // Extended protocol: several statements in one call are refused, as the Data API refuses them.
  return { ...bindParameters(sql, parameters), rowMode: 'array' as const, queryMode: 'extended' as const };
}

function answerOf(result: pg.QueryArrayResult<unknown[]>, input: Input): Record<string, unknown> {
  const returnsRows = result.fields.length > 0;
  const records = result.rows.map((row) => fieldsOf(row as (string | null)[], result.fields));
  const written = result.command === 'SELECT' ? 0 : (result.rowCount ?? 0);
  const asJson = input.formatRecordsAs === 'JSON' && returnsRows;
  const answer = {
    numberOfRecordsUpdated: written,
    ...(input.includeResultMetadata && returnsRows && { columnMetadata: result.fields.map(metadataOf) }),
    ...(asJson && {
      formattedRecords: JSON.stringify(records.map((record) => plainOf(record, result.fields))),
    }),
    ...(returnsRows && !asJson && { records }),
    ...(!returnsRows && { generatedFields: [] }),
  };
  if (JSON.stringify(answer).length > responseLimit) {
    throw new Refused(
      'UnsupportedResultException',
      'Database returned more than the allowed response size limit',
    );
  }
  return answer;
}

function metadataOf({ name, dataTypeID }: pg.FieldDef): Record<string, unknown> {
  const typeName = Object.entries(pg.types.builtins).find(([, oid]) => oid === dataTypeID)?.[0];
  return { name, label: name, typeName: (typeName ?? 'text').toLowerCase(), nullable: 2 };
}

function plainOf(
  record: readonly Record<string, unknown>[],
  fields: readonly pg.FieldDef[],
): Record<string, unknown> {
  return Object.fromEntries(
    record.map((field, at) => [fields[at]?.name, field.isNull === true ? null : Object.values(field)[0]]),
  );
}

/** `ERROR: …; Position: 8; SQLState: 42703` (seen in aws/aws-cli#8577 and cloud-utils/aurora-data-api#53). */
function explained(error: unknown): Refused | undefined {
  if (!(error instanceof pg.DatabaseError)) return undefined;
  const position = error.position === undefined ? '' : ` Position: ${error.position};`;
  return new Refused('DatabaseErrorException', `ERROR: ${error.message};${position} SQLState: ${error.code}`);
}
