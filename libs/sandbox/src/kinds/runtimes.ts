import { existsSync } from 'node:fs';
import { isNodeKind, nodeKinds, pythonKinds } from '#libs/domain';
import type { Logger } from '#libs/telemetry';
import { nodeRoot, nodeRootFolder } from './node-root.js';
import { bringNode, npmEnvironment, storedNode } from './node-store.js';
import { nodePackageOf } from './pins.js';
import { findPython } from './python.js';
import { pythonRoot, pythonRootFolder } from './python-root.js';
import { sweepRoots, type RuntimeRoot } from './root.js';

/** What is needed to know and bring the runtimes of a machine. */
export interface RuntimesOptions {
  /** Folder of runtime roots; every user must be able to reach it. */
  readonly dir: string;
  /** Folder of what was brought from the npm registry, shared by the spawners of a machine. */
  readonly store: string;
  /** Folders in which programs are found, as in PATH. */
  readonly path: string;
  /** Our environment, of which npm sees what it needs. */
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** One kind, and what serves it on this machine. */
export interface KindFinding {
  readonly kind: string;
  readonly here: boolean;
  /** Where it comes from, or why it cannot be had. */
  readonly detail: string;
  /** What brings it; where it is here, what makes it ready ahead of its first use. */
  readonly remedy?: string;
}

/** After a failure a kind is not tried again for this long: calls that come meanwhile hear of it at once. */
const retryMs = 15_000;
const ownMajor = process.versions.node.split('.')[0] ?? '';
/** Kinds whose sandboxes run the Node.js that runs us: its own, and nodejs:20, which the platform itself needs. */
const ownKinds: readonly string[] = [...new Set(['nodejs:20', `nodejs:${ownMajor}`])];

/** The runtimes of this machine: those that are ready, and those that are made ready when they are first asked for. One kind never waits for another. */
export class Runtimes {
  private readonly roots = new Map<string, RuntimeRoot>();
  private readonly making = new Map<string, Promise<RuntimeRoot>>();
  private readonly failed = new Map<string, { readonly error: Error; readonly atMs: number }>();
  private readonly python: ReturnType<typeof findPython>;

  private constructor(
    private readonly options: RuntimesOptions,
    /** What sandboxes of the default kind start from. */
    readonly standard: RuntimeRoot,
    private readonly logger: Logger,
  ) {
    this.python = findPython(options.path);
    for (const kind of ownKinds) this.roots.set(kind, standard);
    sweepRoots(options.dir, [standard.folder, ...this.expected()]);
  }

  /** Makes the default kind ready and removes what earlier lives left. */
  static async open(options: RuntimesOptions, logger: Logger): Promise<Runtimes> {
    return new Runtimes(options, await nodeRoot(options.dir, process.execPath), logger);
  }

  /** Every kind that can be had here. */
  get kinds(): readonly string[] {
    return kindsOf(this.python);
  }

  /** What starts sandboxes of a kind, where it is ready. */
  ready(kind: string): RuntimeRoot | undefined {
    return this.roots.get(runtimeOf(kind));
  }

  /** The same, made ready first where it is not. All who ask meanwhile share one try; one that failed is repeated after a while. */
  async provide(kind: string): Promise<RuntimeRoot> {
    const runtime = runtimeOf(kind);
    const ready = this.roots.get(runtime);
    if (ready) return ready;
    const failure = this.failed.get(runtime);
    if (failure && Date.now() - failure.atMs < retryMs) throw failure.error;
    const making = this.making.get(runtime) ?? this.make(runtime);
    this.making.set(runtime, making);
    return making;
  }

  private async make(runtime: string): Promise<RuntimeRoot> {
    const startMs = Date.now();
    try {
      const root = await this.build(runtime);
      this.roots.set(runtime, root);
      this.failed.delete(runtime);
      this.logger.log('runtime ready', { kind: runtime, ms: Date.now() - startMs });
      return root;
    } catch (cause) {
      const error = cause instanceof Error ? cause : new Error(String(cause));
      this.failed.set(runtime, { error, atMs: Date.now() });
      const remedy = `give this machine a way to its npm registry, or fetch the kind where there is one: isochrone kinds --fetch ${runtime}`;
      this.logger.error(
        'a runtime cannot be had; its actions do not run',
        { kind: runtime, ...(isNodeKind(runtime) && { remedy }) },
        error,
      );
      throw error;
    } finally {
      this.making.delete(runtime);
    }
  }

  private async build(runtime: string): Promise<RuntimeRoot> {
    const { dir, store, env } = this.options;
    if (isNodeKind(runtime)) return nodeRoot(dir, await bringKind(runtime, store, env));
    if ('missing' in this.python) throw new Error(this.python.missing);
    return pythonRoot(dir, this.python);
  }

  /** Roots that earlier lives may have made and that serve again. */
  private expected(): string[] {
    const { dir, store } = this.options;
    const nodes = nodeKinds.flatMap((kind) => nodePackageOf(kind) ?? []).map((each) => storedNode(store, each));
    return [
      ...nodes.filter((node) => existsSync(node)).map((node) => nodeRootFolder(dir, node)),
      ...('program' in this.python ? [pythonRootFolder(dir, this.python)] : []),
    ];
  }
}

/** Every kind that can be had on a machine with these programs. */
export function availableKinds(path: string): readonly string[] {
  return kindsOf(findPython(path));
}

/** Brings what a Node.js kind needs and returns its program: the one that runs us, or one from the npm registry. Throws with a reason where it cannot. */
export async function bringKind(kind: string, store: string, env: Readonly<Record<string, string | undefined>>): Promise<string> {
  if (ownKinds.includes(kind)) return process.execPath;
  const wanted = nodePackageOf(kind);
  if (!wanted) throw new Error(`there is no ${kind} for ${process.platform}-${process.arch}`);
  return bringNode(wanted, { folder: store, env: npmEnvironment(env) });
}

/** What this machine has of every kind. */
export function findKinds(store: string, path: string): KindFinding[] {
  const nodes = nodeKinds.map((kind): KindFinding => {
    if (ownKinds.includes(kind)) return { kind, here: true, detail: `Node.js ${process.version}, which runs the platform` };
    const wanted = nodePackageOf(kind);
    if (!wanted) return { kind, here: false, detail: `there is no build for ${process.platform}-${process.arch}` };
    if (existsSync(storedNode(store, wanted))) return { kind, here: true, detail: `Node.js v${wanted.version}, in ${store}` };
    return {
      kind,
      here: false,
      detail: `Node.js v${wanted.version} comes from the npm registry when it is first used`,
      remedy: `npm run -s isochrone -- kinds --fetch ${kind}`,
    };
  });
  const python = findPython(path);
  if ('missing' in python)
    return [...nodes, { kind: 'python:3', here: false, detail: python.missing, remedy: 'sudo apt-get install -y python3' }];
  return [
    ...nodes,
    ...pythonKinds(python.version).map((kind) => ({ kind, here: true, detail: `Python ${python.version}, ${python.program}` })),
  ];
}

function kindsOf(python: ReturnType<typeof findPython>): readonly string[] {
  const nodes = nodeKinds.filter((kind) => ownKinds.includes(kind) || nodePackageOf(kind) !== undefined);
  return [...nodes, ...('program' in python ? pythonKinds(python.version) : [])];
}

/** The runtime that serves a kind: there is one Python here, whatever its kinds are called. */
function runtimeOf(kind: string): string {
  return isNodeKind(kind) ? kind : 'python:3';
}
