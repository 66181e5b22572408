/**
 * Runs one command of a Serverless Framework plugin in the folder of a service: what the framework itself would do for it, and no more. It reads
 * serverless.json, hands out the provider, zips the service's files and runs a command's hooks in order.
 *
 * `serverless-host.js COMMAND '{"option": …}'`
 */
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { requireClient } from './foreign.js';

type Hook = () => PromiseLike<unknown> | undefined;
interface Plugin {
  readonly hooks?: Readonly<Record<string, Hook>>;
  readonly commands?: unknown;
}
type PluginClass = new (serverless: Host, options: object) => Plugin;
interface Handler {
  name?: string;
  events?: object[];
  package?: { artifact?: string; disable?: boolean };
}
interface Described extends Record<string, unknown> {
  readonly service: string;
  readonly functions: Record<string, Handler>;
}
interface Zip {
  file(name: string, content: Buffer): void;
  generateAsync(options: object): Promise<Buffer>;
}

/** The lifecycle of each command that the plugin takes part in. */
export const lifecycles: Readonly<Record<string, readonly string[]>> = {
  deploy: ['package:createDeploymentArtifacts', 'package:compileFunctions', 'package:compileEvents', 'deploy:deploy'],
  'deploy function': ['deploy:function:initialize', 'deploy:function:packageFunction', 'deploy:function:deploy'],
  info: ['info:info'],
  invoke: ['invoke:invoke'],
  'invoke local': ['invoke:local:invoke'],
  logs: ['logs:logs'],
  remove: ['remove:remove'],
  'config credentials': ['config:credentials:config'],
};

class Host {
  readonly config = { servicePath: process.cwd() };
  readonly classes = { Error };
  readonly cli = { log: (line: string): void => console.log(line), consoleLog: (line: string): void => console.log(line) };
  readonly utils = {
    fileExistsSync: existsSync,
    dirExistsSync: existsSync,
    readFileSync: (file: string): string => readFileSync(file, 'utf8'),
    writeFile: writeFileSync,
  };
  readonly pluginManager = {
    addPlugin: (plugin: PluginClass): void => void this.plugins.push(new plugin(this, this.options)),
    getPlugins: (): readonly object[] => this.plugins,
  };
  readonly service: Record<string, unknown> & { functions: Record<string, Handler>; package: Record<string, unknown> };
  private readonly providers = new Map<string, unknown>();
  /** The framework's own packaging, which comes first. */
  private readonly plugins: Plugin[] = [
    {
      hooks: { 'package:createDeploymentArtifacts': () => this.packageAll() },
      packageFunction: (name: string) => this.packageFunction(name),
    } as Plugin,
  ];

  constructor(readonly options: object) {
    const described = JSON.parse(readFileSync('serverless.json', 'utf8')) as Described;
    for (const [name, each] of Object.entries(described.functions)) {
      each.name ??= `${described.service}-dev-${name}`;
      each.events ??= [];
    }
    this.service = {
      package: {},
      ...described,
      getAllFunctions: () => Object.keys(described.functions),
      getFunction: (name: string) => {
        const found = described.functions[name];
        if (found === undefined) throw new Error(`Function "${name}" doesn't exist in this Service`);
        return found;
      },
    };
  }

  setProvider(name: string, provider: unknown): void {
    this.providers.set(name, provider);
  }

  getProvider(name: string): unknown {
    return this.providers.get(name);
  }

  async run(command: string): Promise<void> {
    for (const event of lifecycles[command] ?? [])
      for (const name of [`before:${event}`, event, `after:${event}`]) for (const { hooks } of this.plugins) await hooks?.[name]?.();
  }

  private async packageAll(): Promise<void> {
    this.service.package['artifact'] = await this.zip('service');
  }

  private async packageFunction(name: string): Promise<void> {
    const handler = this.service.functions[name];
    if (handler) handler.package = { ...handler.package, artifact: await this.zip(name) };
  }

  private async zip(name: string): Promise<string> {
    const zip = new (requireClient('jszip') as new () => Zip)();
    for (const file of readdirSync('.').filter((each) => each.endsWith('.js'))) zip.file(file, readFileSync(file));
    const target = join(process.cwd(), '.serverless', `${name}.zip`);
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, await zip.generateAsync({ type: 'nodebuffer' }));
    return target;
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const [command = '', options = '{}'] = process.argv.slice(2);
  const host = new Host(JSON.parse(options) as object);
  host.pluginManager.addPlugin(requireClient('serverless-openwhisk') as PluginClass);
  await host.run(command);
}
