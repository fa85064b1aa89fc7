import type { ConsumerConfig } from '../../../../project/rotation-schema.ts';
import type { SessionSeen } from '../../../../rotation/observation.ts';
import type { StoreSeen } from '../../../../rotation/parts.ts';

/** What somebody who uses the login can be known by. */
export interface Traces {
  readonly secretArn: string;
  /** Its name. */
  readonly secret: string;
  /** Names of the database and its proxy. */
  readonly hosts: readonly string[];
  /** Values of the login, to recognise variables that hold it; never shown. */
  readonly known?: StoreSeen;
  /** Who is connected now. */
  readonly sessions?: readonly SessionSeen[];
}

/** Somebody who may hold the login. */
export interface ConsumerCandidate {
  /** `function shop-report`, `parameter /shop/db`. */
  readonly id: string;
  readonly evidence: readonly string[];
  /** It is one of the project's own functions, or stands in `lambdapg.json`. */
  readonly listed: boolean;
  /** For `cloud.rotation.consumers` of `lambdapg.json`; absent where a person has to see what it is. */
  readonly entry?: ConsumerConfig;
  readonly note?: string;
}
