import {
  annotation,
  annotationsJson,
  asJsonText,
  jsonObject,
  splitPath,
  toJsonText,
  type Action,
  type JsonText,
  type Package,
  type Parameter,
} from '#libs/domain';
import { parametersJson } from '../definitions/codec.js';

/** The document of a package. `actions` are listed on GET alone; those that are feeds, apart. */
export function packageJson(pkg: Package, namespace: string, parameters: readonly Parameter[], actions?: readonly Action[]): JsonText {
  const isFeed = (action: Action): boolean => annotation(action, 'feed') !== undefined;
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(pkg.path)],
    ['version', toJsonText(pkg.version)],
    ['publish', toJsonText(pkg.publish)],
    ['parameters', parametersJson(parameters)],
    ['annotations', annotationsJson(pkg.annotations)],
    ['binding', toJsonText({ ...pkg.binding })],
    ['updated', toJsonText(pkg.updated)],
    ...(actions
      ? ([
          ['actions', contents(actions.filter((action) => !isFeed(action)))],
          ['feeds', contents(actions.filter(isFeed))],
        ] as const)
      : []),
  ]);
}

/** The entry of a package in a list. */
export function packageSummary(pkg: Package, namespace: string): JsonText {
  return jsonObject([
    ['namespace', toJsonText(namespace)],
    ['name', toJsonText(pkg.path)],
    ['version', toJsonText(pkg.version)],
    ['publish', toJsonText(pkg.publish)],
    ['annotations', annotationsJson(pkg.annotations)],
    ['binding', pkg.binding ? toJsonText({ ...pkg.binding }) : toJsonText(false)],
    ['updated', toJsonText(pkg.updated)],
  ]);
}

function contents(actions: readonly Action[]): JsonText {
  const entries = actions.map((action) =>
    jsonObject([
      ['name', toJsonText(splitPath(action.path).name)],
      ['version', toJsonText(action.version)],
      ['annotations', annotationsJson(action.annotations)],
    ]),
  );
  return asJsonText(`[${entries.join(',')}]`);
}
