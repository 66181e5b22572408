import type { NamespaceId } from './ids.js';

/** The namespace whose packages everybody may use. Its id is the same in every world: the one that OpenWhisk's well-known key names. */
export const systemNamespace = { name: 'whisk.system', ns: '789c46b1-71f6-4ed5-8c54-816aa4f8c502' as NamespaceId } as const;

/** Actions of that namespace that the region runs itself, by their paths; whatever their code. */
export const nativeActions: ReadonlySet<string> = new Set([
  'alarms/alarm',
  'alarms/once',
  'alarms/interval',
  'apimgmt/createApi',
  'apimgmt/getApi',
  'apimgmt/deleteApi',
]);
