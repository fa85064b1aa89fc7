import { type AliasConfiguration, GetAliasCommand, UpdateAliasCommand } from '@aws-sdk/client-lambda';
import { exitCodes, UserError } from '../../../../errors.ts';
import type { Consumer, ConsumerRead, StoreSeen } from '../../../../rotation/parts.ts';
import { explainAwsError } from '../../explain.ts';
import { partsOf } from '../../judge.ts';
import { type ProvisionedConcurrency, provisionedConcurrency } from './alias-consumer-provisioned.ts';
import { verifyNoDrift, versionWith } from './alias-consumer-version.ts';
import { isSameLogin } from './environment.ts';
import { type Carrier, type Change, verifyRoom } from './environment-carrier.ts';
import {
  type ConsumerWorld,
  changedMeanwhile,
  type FunctionPlace,
  type FunctionSeen,
  latest,
  lookAtFunction,
  titleOf,
  unreachable,
  variablesOf,
} from './function-consumer.ts';
import { drainOf, giverOf } from './latest-consumer.ts';
import { measureShare } from './measure-share.ts';
import { type Asking, proverOf, verifyVersionLogin } from './prove.ts';

/**
 * An alias whose version holds the login. A version cannot change: another one is published, asked by itself, and given a share of
 * the alias' traffic, then all of it. The version before stays as it was, and takes it all back in one call.
 */
export function aliasConsumer(
  world: ConsumerWorld,
  place: FunctionPlace,
  carrier: Carrier,
  asking: Asking,
): Consumer {
  return new AliasConsumer(world, place, carrier, asking).asConsumer();
}

/** What an alias leads to. */
interface Routes {
  readonly alias: AliasConfiguration;
  readonly main: FunctionSeen;
  readonly added?: { readonly version: string; readonly percent: number; readonly seen: FunctionSeen };
}

class AliasConsumer {
  readonly #world: ConsumerWorld;
  readonly #place: FunctionPlace;
  readonly #carrier: Carrier;
  readonly #asking: Asking;
  readonly #title: string;
  readonly #provisioned: ProvisionedConcurrency;
  #known: StoreSeen = { pendingIsCurrent: false };

  constructor(world: ConsumerWorld, place: FunctionPlace, carrier: Carrier, asking: Asking) {
    this.#world = world;
    this.#place = place;
    this.#carrier = carrier;
    this.#asking = asking;
    this.#title = titleOf(place);
    this.#provisioned = provisionedConcurrency(world, place.name);
  }

  asConsumer(): Consumer {
    return {
      id: this.#title,
      read: (known) => this.#read(known),
      shift: async (to, percent) => {
        if (percent === 0) return this.#takeBack();
        await this.#bring(this.#carrier.change(to, this.#known), percent, to.login.user);
      },
      ...giverOf(this.#carrier, (change) => this.#bring(change, 100)),
      verify: (known) => this.#verify(known),
      ...proverOf(this.#world, () => this.#versions(), this.#asking),
    };
  }

  async #read(known: StoreSeen): Promise<ConsumerRead> {
    this.#known = known;
    const takesNext = this.#carrier.changeNext !== undefined;
    const unseen = { kind: 'holds', takesNext, staged: false, holds: undefined, drainMs: drainOf() } as const;
    let routes: Routes;
    try {
      routes = await this.#routes();
    } catch (error) {
      return { ...unseen, ...unreachable(error, this.#title) };
    }
    const { main, added } = routes;
    const holds = this.#holds(main);
    const next = this.#carrier.holdsNext?.(variablesOf(main.configuration), known);
    const waits = await this.#provisioned.waitsFor(this.#place.qualifier);
    const { state, why } = waits === undefined ? main : { state: 'busy' as const, why: waits };
    return {
      ...{ ...unseen, state, holds, staged: await this.#isStaged() },
      ...(why !== undefined && { why }),
      ...(next !== undefined && { next }),
      drainMs: Math.max(...[main, added?.seen].map((seen) => drainOf(seen?.configuration?.Timeout))),
      ...(added !== undefined && {
        added: {
          ...{ holds: this.#holds(added.seen), percent: added.percent },
          measure: (sinceMs: number) => measureShare(this.#world, this.#place, added.version, sinceMs),
        },
      }),
    };
  }

  /** Lambda splits no traffic of an alias that has provisioned concurrency itself: it goes over by its own means. */
  async #isStaged(): Promise<boolean> {
    if (!this.#carrier.beforePromotion && this.#known.pending !== undefined) return false;
    return !(await this.#provisioned.isOn(this.#place.qualifier));
  }

  #holds({ configuration, state }: FunctionSeen) {
    if (configuration === undefined || state === 'hidden') return undefined;
    return this.#carrier.holds(variablesOf(configuration), this.#known);
  }

  async #routes(): Promise<Routes> {
    const alias = await this.#getAlias();
    const main = await this.#look(alias.FunctionVersion ?? '');
    const [[version, weight] = []] = Object.entries(alias.RoutingConfig?.AdditionalVersionWeights ?? {});
    if (version === undefined || weight === undefined) return { alias, main };
    const percent = Math.round(weight * 10_000) / 100;
    return { alias, main, added: { version, percent, seen: await this.#look(version) } };
  }

  #getAlias(): Promise<AliasConfiguration> {
    const { name: FunctionName, qualifier: Name } = this.#place;
    return this.#world.aws.read.lambda.send(new GetAliasCommand({ FunctionName, Name }));
  }

  #look(qualifier: string): Promise<FunctionSeen> {
    return lookAtFunction(this.#world, { name: this.#place.name, qualifier });
  }

  /** During a shift, both. */
  async #versions(): Promise<FunctionPlace[]> {
    const { FunctionVersion = '', RoutingConfig } = await this.#getAlias();
    const others = Object.keys(RoutingConfig?.AdditionalVersionWeights ?? {});
    if (others.length === 0) return [this.#place];
    return [FunctionVersion, ...others].map((qualifier) => ({ name: this.#place.name, qualifier }));
  }

  /** A share, or all, of the traffic goes to a version with `change`. */
  async #bring(change: Change, percent: number, user?: string): Promise<void> {
    const { name } = this.#place;
    const { alias, main, added } = await this.#routes().catch((error: unknown) => {
      throw explainAwsError(error, this.#title);
    });
    const present = main.configuration;
    if (present === undefined || main.state === 'hidden') throw this.#unusable(main);
    if (change.isIn(variablesOf(present))) {
      if (added !== undefined) await this.#route(alias, present.Version ?? '', 100);
      return;
    }
    if (added !== undefined && !change.isIn(variablesOf(added.seen.configuration))) throw this.#split(added);
    const version = added?.version ?? (await versionWith(this.#world, name, present, this.#carrier, change));
    await this.#provisioned.copy(present.Version ?? '', version);
    await verifyVersionLogin(this.#world, { name, qualifier: version }, this.#asking, user);
    await this.#route(alias, version, percent);
    if (percent === 100) await this.#provisioned.end(present.Version ?? '', version);
  }

  async #takeBack(): Promise<void> {
    const alias = await this.#getAlias();
    if (Object.keys(alias.RoutingConfig?.AdditionalVersionWeights ?? {}).length === 0) return;
    await this.#route(alias, alias.FunctionVersion ?? '', 100);
  }

  /** Unless somebody else has moved the alias since `alias` was read. */
  async #route(alias: AliasConfiguration, version: string, percent: number): Promise<void> {
    const { name: FunctionName, qualifier: Name } = this.#place;
    const weights = percent < 100 ? { [version]: percent / 100 } : {};
    // An alias with provisioned concurrency takes no routing at all, not even an empty one.
    const isSplit = percent < 100 || alias.RoutingConfig !== undefined;
    const command = new UpdateAliasCommand({
      ...{ FunctionName, Name, RevisionId: alias.RevisionId },
      FunctionVersion: percent < 100 ? alias.FunctionVersion : version,
      ...(isSplit && { RoutingConfig: { AdditionalVersionWeights: weights } }),
    });
    await this.#world.aws.write.lambda.send(command).catch((error: unknown) => {
      if (/^(PreconditionFailed|ResourceConflict)Exception$/.test(partsOf(error).name))
        throw changedMeanwhile(this.#title, error);
      throw explainAwsError(error, this.#title);
    });
  }

  /** @throws UserError CONSUMER_DRIFTED, CONSUMER_SPLIT, ENVIRONMENT_TOO_LARGE */
  async #verify(known: StoreSeen): Promise<readonly string[]> {
    this.#known = known;
    const routes = await this.#routes().catch((error: unknown) => void unreachable(error, this.#title));
    const { main, added } = routes ?? {};
    // What cannot be seen is refused by what `read` says of it.
    if (main?.configuration === undefined || main.state === 'hidden') return [];
    if (added !== undefined && isSameLogin(this.#holds(added.seen), this.#holds(main)))
      throw this.#split(added);
    const now = await this.#look(latest);
    if (now.configuration !== undefined)
      verifyNoDrift(
        titleOf({ name: this.#place.name, qualifier: latest }),
        now.configuration,
        main.configuration,
        this.#carrier,
      );
    verifyRoom(this.#carrier, variablesOf(main.configuration), known, this.#title);
    const { name } = this.#place;
    return (await this.#provisioned.unused()).map(
      (version) =>
        `version ${version} of function ${name} keeps provisioned concurrency, which costs, and no alias leads to it: aws lambda delete-provisioned-concurrency-config --function-name ${name} --qualifier ${version}`,
    );
  }

  #split({ version, percent }: NonNullable<Routes['added']>): UserError {
    return new UserError(
      'CONSUMER_SPLIT',
      `${this.#title} gives ${percent} % of its traffic to version ${version}, which is somebody else's deployment`,
      { suggestions: ['let that deployment end, then run the same command again'] },
    );
  }

  #unusable({ why }: FunctionSeen): UserError {
    return new UserError('CONSUMER_UNREACHABLE', `${this.#title}: ${why}`, {
      exit: exitCodes.open,
      suggestions: ['lambdapg rotate-creds --iam-policy prints the permissions that it needs'],
    });
  }
}
