/** The tool whose files describe a resource: it alone changes it. */
export interface Owner {
  readonly engine: 'cloudformation' | 'sam' | 'serverless' | 'terraform';
  /** Of the stack or service, where a tag says it. */
  readonly name?: string;
}

export interface Placement {
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly groupIds: readonly string[];
}

/** A function as it is, before or in the middle of an attachment. What attach itself has changed is left out. */
export interface FunctionFacts {
  readonly name: string;
  /** `nodejs24.x`; absent for a container image. */
  readonly runtime?: string;
  /** Absent: it runs outside of any VPC. */
  readonly placement?: Placement;
  readonly variables: Readonly<Record<string, string>>;
  /** Why AWS did not show the variables: then they are not to be written either. */
  readonly variablesHidden?: string;
  readonly owner?: Owner;
  /** Where an attachment has put it already. */
  readonly enteredSubnetIds?: readonly string[];
}

export type TargetLogin =
  | { readonly kind: 'secret'; readonly arn: string }
  /** The secret is made by attach; its ARN is known afterwards. */
  | { readonly kind: 'new-secret'; readonly name: string }
  | { readonly kind: 'iam'; readonly user: string };

/** A PostgreSQL, as functions are to reach it. */
export interface TargetFacts {
  /** `stage:my-api-dev`, `instance:orders`, `proxy:orders`, `url:db.example.com`; stands in a tag. */
  readonly id: string;
  readonly host: string;
  readonly port: number;
  readonly database: string;
  /** Absent: it is not in a VPC of this account, so it is reached over the internet. */
  readonly placement?: Placement;
  readonly isPublic: boolean;
  /** Its certificate is signed by RDS's own authorities, which no system trusts by itself. */
  readonly needsRdsAuthorities: boolean;
  readonly login: TargetLogin;
}

/** Where a subnet's packets to the internet go. `public`: to an internet gateway, which Lambda's interfaces cannot use. */
export type Exit = 'nat' | 'public' | 'none';

export interface SubnetFacts {
  readonly id: string;
  readonly vpcId: string;
  readonly zone: string;
  readonly cidr: string;
  readonly freeAddresses: number;
  readonly exit: Exit;
  /** Destinations of its routes over peering connections and transit gateways, while they are up. */
  readonly joined: readonly string[];
}

export interface GroupRule {
  readonly direction: 'in' | 'out';
  readonly from: number;
  readonly to: number;
  /** Group ids and address ranges. */
  readonly peers: readonly string[];
}

export interface GroupFacts {
  readonly id: string;
  readonly vpcId: string;
  readonly rules: readonly GroupRule[];
  readonly owner?: Owner;
}

/** What is known of the VPCs that a function and its target are in. */
export interface NetworkFacts {
  readonly subnets: readonly SubnetFacts[];
  readonly groups: readonly GroupFacts[];
  /** Interface endpoints of Secrets Manager with its public name, by VPC. */
  readonly secretsEndpoints: ReadonlyMap<string, { readonly groupIds: readonly string[] }>;
  /** VPCs of dedicated tenancy, where Lambda cannot go. */
  readonly dedicatedVpcs: ReadonlySet<string>;
}

/** Why a function cannot be attached as things are. */
export interface WiringFault {
  readonly code: string;
  readonly message: string;
  readonly suggestions: readonly string[];
}

export interface WiringOptions {
  readonly replaceEnvironment: boolean;
  /** A bundle of authorities in the function's package, as PGSSLROOTCERT names it. */
  readonly rootCertificate?: string;
}
