import { isObject, type ExactJson, type ExactObject } from '#libs/http';
import { HostError, reasonOf, type Collection, type Host } from './host.js';
import { actionPut, apiPut, bindingOf, nameIn, packagePut, rulePut, sameEntity, triggerPut, words, type Translation } from './translate.js';

/** What became of one kind of things. */
export interface Tally {
  readonly what: string;
  readonly there: number;
  created: number;
  unchanged: number;
  /** How many of them the new host has in the end. */
  here: number;
}

/** An entity that could not be brought over, or not wholly. */
export interface Trouble {
  readonly what: string;
  readonly name: string;
  readonly reason: string;
}

/** What an import did. */
export interface Report {
  readonly tallies: readonly Tally[];
  readonly troubles: readonly Trouble[];
}

interface Item {
  readonly name: string;
  /** The body that creates it, and the body that what is there already would be created by. */
  readonly body: ExactObject;
  readonly known: (current: ExactObject) => ExactObject;
}

const atOnce = 4;
const gateway = '/api/v1/web/whisk.system/apimgmt';
/** Feeds whose state can be read from one host and given to another. */
const alarms = /^\/?whisk\.system\/alarms\/(alarm|once|interval)$/;

/**
 * Brings a namespace from one OpenWhisk to another: what others refer to comes first. Reading changes nothing at the old host; what is the same
 * at the new one already is left alone, so that an import can be repeated. Nothing is deleted anywhere.
 */
export class Importer {
  private readonly tallies: Tally[] = [];
  private readonly troubles: Trouble[] = [];
  private readonly translation: Translation;

  constructor(
    private readonly from: Host,
    private readonly to: Host,
    kinds: ReadonlyMap<string, string>,
    private readonly progress: (line: string) => void,
  ) {
    this.translation = { from: from.namespace, to: to.namespace, kinds };
  }

  /** Does it; what goes wrong with one entity stands in the report and keeps no other back. */
  async run(): Promise<Report> {
    const packages = await this.read('packages');
    const actions = await this.read('actions', packages);
    const isSequence = (entity: ExactObject): boolean => isObject(entity['exec']) && entity['exec']['kind'] === 'sequence';
    const actionItem = (entity: ExactObject): Item => {
      const pkg = packages.find(({ name }) => name === nameIn(entity).split('/').slice(0, -1).join('/'));
      return { name: nameIn(entity), body: actionPut(entity, this.translation, pkg), known: (now) => actionPut(now, this.settled, pkg) };
    };
    await this.write(
      'packages',
      'packages',
      packages.filter((each) => !bindingOf(each)).map((each) => this.packageItem(each)),
    );
    await this.write('actions', 'actions', actions.filter((each) => !isSequence(each)).map(actionItem));
    await this.write('bindings', 'packages', await this.bindingItems(packages.filter(bindingOf)));
    // A sequence may be part of another: what is refused for want of a component has another chance when the rest is there.
    await this.write('sequences', 'actions', actions.filter(isSequence).map(actionItem), 3);
    const triggers = await this.read('triggers');
    await this.write(
      'triggers',
      'triggers',
      triggers.map((each) => this.triggerItem(each)),
    );
    await this.carryFeeds(triggers);
    await this.carryRules(await this.read('rules'));
    await this.carryApis();
    return { tallies: this.tallies, troubles: this.troubles };
  }

  /** Names of the new host read by the new host's own rules. */
  private get settled(): Translation {
    return { from: this.to.namespace, to: this.to.namespace, kinds: new Map() };
  }

  private packageItem(entity: ExactObject, provider?: ExactObject): Item {
    return {
      name: nameIn(entity),
      body: packagePut(entity, this.translation, provider),
      known: (current) => packagePut(current, this.settled, provider),
    };
  }

  private triggerItem(entity: ExactObject): Item {
    return { name: nameIn(entity), body: triggerPut(entity), known: triggerPut };
  }

  private async bindingItems(bindings: readonly ExactObject[]): Promise<Item[]> {
    return mapAtOnce(bindings, async (entity) => {
      const bound = bindingOf(entity);
      const provider = bound && (await this.from.find('packages', bound.name, bound.namespace));
      return this.packageItem(entity, provider);
    });
  }

  private async read(collection: Collection, packages: readonly ExactObject[] = []): Promise<ExactObject[]> {
    const listed = await this.from.list(collection);
    this.progress(`${listed.length} ${collection} at ${this.from.url}`);
    const bound = new Set(packages.filter(bindingOf).map(nameIn));
    const whole = await mapAtOnce(listed, async (summary) => {
      const name = nameIn(summary);
      if (bound.has(name.split('/')[0] ?? '') && name.includes('/')) return undefined;
      try {
        const entity = await this.from.find(collection, name);
        if (!entity) this.trouble(collection, name, 'it is listed and cannot be read');
        return entity;
      } catch (cause) {
        this.trouble(collection, name, reasonOf(cause));
        return undefined;
      }
    });
    return whole.filter((entity) => entity !== undefined);
  }

  private async write(what: string, collection: Collection, items: readonly Item[], rounds = 1): Promise<void> {
    const tally: Tally = { what, there: items.length, created: 0, unchanged: 0, here: 0 };
    this.tallies.push(tally);
    let left = [...items];
    for (let round = 1; left.length > 0 && round <= rounds; round += 1) {
      const failed: { item: Item; reason: string }[] = [];
      await mapAtOnce(left, async (item) => {
        try {
          const current = await this.to.find(collection, item.name);
          if (current && sameEntity(item.body, item.known(current))) tally.unchanged += 1;
          else {
            await this.to.put(collection, item.name, item.body);
            tally.created += 1;
          }
        } catch (cause) {
          failed.push({ item, reason: reasonOf(cause) });
        }
      });
      if (failed.length === left.length || round === rounds) {
        for (const { item, reason } of failed) this.trouble(what, item.name, reason);
        break;
      }
      left = failed.map(({ item }) => item);
    }
    const found = await mapAtOnce(items, ({ name }) => this.to.find(collection, name).catch(() => undefined));
    tally.here = found.filter(Boolean).length;
    this.progress(`${what}: ${tally.created} written, ${tally.unchanged} unchanged`);
  }

  private async carryRules(rules: readonly ExactObject[]): Promise<void> {
    const known = (current: ExactObject): ExactObject => rulePut(current, this.settled);
    const items = rules.map((entity) => ({ name: nameIn(entity), body: rulePut(entity, this.translation), known }));
    await this.write('rules', 'rules', items);
    for (const { name, status } of rules) {
      try {
        const current = await this.to.find('rules', words(name));
        if (current && (status === 'active' || status === 'inactive') && current['status'] !== status)
          await this.to.setStatus(words(name), status);
      } catch (cause) {
        this.trouble('rules', words(name), `its status could not be set: ${reasonOf(cause)}`);
      }
    }
  }

  /** What feeds a trigger lives at the old host; alarms can be asked what they were told, other feeds cannot. */
  private async carryFeeds(triggers: readonly ExactObject[]): Promise<void> {
    for (const trigger of triggers) {
      const feed = feedOf(trigger);
      const name = nameIn(trigger);
      if (feed === undefined) continue;
      const [, kind] = alarms.exec(feed) ?? [];
      if (kind === undefined) {
        this.trouble('feeds', name, `create it again: its feed ${feed} is no feed of this platform`);
        continue;
      }
      try {
        const told = await this.feed(this.from, kind, 'READ', name);
        const config = isObject(told) && isObject(told['config']) ? told['config'] : undefined;
        if (!config) throw new Error('the old host does not tell when it fires');
        const { cron, timezone, startDate, stopDate, minutes, date, deleteAfterFire, strict } = config;
        const settings = {
          cron,
          timezone,
          startDate,
          stopDate,
          minutes,
          date,
          deleteAfterFire,
          strict,
          trigger_payload: config['payload'],
        };
        const given = Object.entries(settings).filter((entry): entry is [string, ExactJson] => entry[1] !== undefined && entry[1] !== null);
        await this.feed(this.to, kind, 'DELETE', name).catch(() => undefined);
        await this.feed(this.to, kind, 'CREATE', name, Object.fromEntries(given));
      } catch (cause) {
        this.trouble('feeds', name, reasonOf(cause));
      }
    }
  }

  private feed(host: Host, kind: string, lifecycleEvent: string, trigger: string, more: ExactObject = {}): Promise<ExactJson> {
    const triggerName = `/${host.namespace}/${trigger}`;
    return host.invoke('whisk.system', `alarms/${kind}`, { ...more, lifecycleEvent, triggerName, authKey: host.auth });
  }

  private async carryApis(): Promise<void> {
    const query = (host: Host): string => new URLSearchParams({ accesstoken: 'DUMMY TOKEN', spaceguid: host.keyId }).toString();
    const listed = (answer: ExactJson): ExactObject[] => {
      const apis = isObject(answer) && Array.isArray(answer['apis']) ? (answer['apis'] as readonly ExactJson[]) : [];
      const values = apis.map((api) => (isObject(api) ? api['value'] : undefined));
      return values.map((value) => (isObject(value) ? value['apidoc'] : undefined)).filter(isObject);
    };
    let documents: ExactObject[];
    try {
      documents = listed(await this.from.ask('GET', `${gateway}/getApi.http?${query(this.from)}`));
    } catch (cause) {
      if (!(cause instanceof HostError)) throw cause;
      this.progress(`no API gateway answers at ${this.from.url}`);
      return;
    }
    const tally: Tally = { what: 'APIs', there: documents.length, created: 0, unchanged: 0, here: 0 };
    this.tallies.push(tally);
    const present = documents.length === 0 ? [] : listed(await this.to.ask('GET', `${gateway}/getApi.http?${query(this.to)}`));
    for (const document of documents) {
      const swagger = apiPut(document, this.translation, { from: this.from.url, to: this.to.url });
      if (present.some((current) => sameEntity(current, swagger))) {
        tally.unchanged += 1;
        continue;
      }
      try {
        await this.to.ask('POST', `${gateway}/createApi.http?responsetype=http&${query(this.to)}`, { apidoc: { namespace: '_', swagger } });
        tally.created += 1;
      } catch (cause) {
        this.trouble('APIs', words(document['basePath']), reasonOf(cause));
      }
    }
    if (documents.length === 0) return;
    const now = listed(await this.to.ask('GET', `${gateway}/getApi.http?${query(this.to)}`)).map(({ basePath }) => basePath);
    tally.here = documents.filter(({ basePath }) => now.includes(basePath)).length;
  }

  private trouble(what: string, name: string, reason: string): void {
    this.troubles.push({ what, name, reason });
  }
}

/** The action that feeds a trigger, or undefined. */
function feedOf(trigger: ExactObject): string | undefined {
  const annotations = Array.isArray(trigger['annotations']) ? (trigger['annotations'] as readonly ExactJson[]) : [];
  const feed = annotations.filter(isObject).find(({ key }) => key === 'feed');
  return typeof feed?.['value'] === 'string' ? feed['value'] : undefined;
}

/** Maps in order, a few at once. */
async function mapAtOnce<T, R>(items: readonly T[], map: (item: T) => Promise<R>): Promise<R[]> {
  const results: R[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let at = next++; at < items.length; at = next++) results[at] = await map(items[at] as T);
  };
  await Promise.all(Array.from({ length: atOnce }, worker));
  return results;
}
