import { createHash, createHmac, timingSafeEqual } from 'node:crypto';

/** Whose key signed a token. */
export interface Signer {
  readonly secretAccessKey: string;
  /** Temporary credentials have one, and the token must carry it. */
  readonly sessionToken?: string;
  /** ARN of the user or the role (not of its session); the account's root may do everything. */
  readonly arn: string;
}

export interface TokenRules {
  /** The names under which the client may have reached this database. */
  readonly hosts: readonly string[];
  readonly port: number;
  readonly user: string;
  readonly region: string;
  readonly now: Date;
  findSigner(accessKeyId: string): Promise<Signer | undefined>;
}

/** A token is good for 15 minutes, and a clock may be this much ahead of the database's. */
const lifetimeSeconds = 900;
const skewMs = 5 * 60_000;
const emptyHash = createHash('sha256').update('').digest('hex');

/**
 * Verifies an IAM database token: a presigned GET of `host:port/?Action=connect&DBUser=…` for the service rds-db.
 * https://docs.aws.amazon.com/AmazonRDS/latest/UserGuide/UsingWithRDS.IAMDBAuth.html
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/create-signed-request.html
 *
 * @returns the signer, or why the token is refused (for the bed's log: RDS itself does not tell)
 */
export async function verifyRdsToken(
  token: string,
  rules: TokenRules,
): Promise<{ readonly signer: Signer } | { readonly refused: string }> {
  const url = parseToken(token);
  if (url === undefined) return { refused: 'it is no presigned URL' };
  const query = url.searchParams;
  const fault = findFault(url, rules);
  if (fault !== undefined) return { refused: fault };
  const scope = (query.get('X-Amz-Credential') ?? '').split('/');
  const [accessKeyId = '', date = '', region = '', service = ''] = scope;
  const signer = await rules.findSigner(accessKeyId);
  if (signer === undefined) return { refused: `nobody has the access key ${accessKeyId}` };
  if ((query.get('X-Amz-Security-Token') ?? undefined) !== signer.sessionToken) {
    return { refused: 'the session token is missing or another' };
  }
  const expected = sign(url, { date, region, service }, signer.secretAccessKey);
  const given = Buffer.from(query.get('X-Amz-Signature') ?? '');
  const same = given.length === expected.length && timingSafeEqual(given, Buffer.from(expected));
  return same ? { signer } : { refused: 'the signature does not match' };
}

function parseToken(token: string): URL | undefined {
  try {
    // The token has no scheme.
    return new URL(`https://${token}`);
  } catch {
    return undefined;
  }
}

function findFault(url: URL, rules: TokenRules): string | undefined {
  const query = url.searchParams;
  const [, date = '', region, service, end] = (query.get('X-Amz-Credential') ?? '').split('/');
  const signedAt = parseAmzDate(query.get('X-Amz-Date') ?? '');
  const ageMs = rules.now.getTime() - signedAt;
  const expires = Number(query.get('X-Amz-Expires'));
  const checks: ReadonlyArray<readonly [boolean, string]> = [
    [url.pathname === '/' && query.get('Action') === 'connect', 'it is no request to connect'],
    [rules.hosts.includes(url.hostname), `it is for the host ${url.hostname}`],
    [Number(url.port || 443) === rules.port, `it is for the port ${url.port || 443}`],
    [query.get('DBUser') === rules.user, `it is for the user ${query.get('DBUser')}`],
    [query.get('X-Amz-Algorithm') === 'AWS4-HMAC-SHA256', 'the algorithm is unknown'],
    [query.get('X-Amz-SignedHeaders') === 'host', 'it signs other headers than the host'],
    [region === rules.region, `it is for the region ${region}`],
    [service === 'rds-db' && end === 'aws4_request', `it is for the service ${service}`],
    [date !== '' && (query.get('X-Amz-Date') ?? '').startsWith(date), 'its dates differ'],
    [expires > 0 && expires <= lifetimeSeconds, `it is to live ${expires} seconds`],
    [ageMs >= -skewMs, 'it is from the future'],
    [ageMs <= expires * 1000, 'it is too old'],
  ];
  return checks.find(([isRight]) => !isRight)?.[1];
}

function sign(
  url: URL,
  { date, region, service }: { date: string; region: string; service: string },
  secretAccessKey: string,
): string {
  const query = [...url.searchParams]
    .filter(([name]) => name !== 'X-Amz-Signature')
    .map(([name, value]) => `${encode(name)}=${encode(value)}`)
    .sort()
    .join('&');
  const host = url.port === '' ? url.hostname : url.host;
  const canonical = ['GET', '/', query, `host:${host}`, '', 'host', emptyHash].join('\n');
  const digest = createHash('sha256').update(canonical).digest('hex');
  const at = url.searchParams.get('X-Amz-Date');
  const text = ['AWS4-HMAC-SHA256', at, `${date}/${region}/${service}/aws4_request`, digest].join('\n');
  const parts = [date, region, service, 'aws4_request'];
  const key = parts.reduce<string | Buffer>(
    (last, part) => createHmac('sha256', last).update(part).digest(),
    `AWS4${secretAccessKey}`,
  );
  return createHmac('sha256', key).update(text).digest('hex');
}

/** RFC 3986, which encodeURIComponent leaves five characters short of. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(
    /[!'()*]/g,
    (character) => `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
  );
}

/** `20261121T150405Z`; NaN fails every comparison. */
function parseAmzDate(text: string): number {
  return Date.parse(text.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, '$1-$2-$3T$4:$5:$6Z'));
}
