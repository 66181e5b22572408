/** The id of an operation, from its verb and its path below the base path: `get` of `/path/with/sub_paths` is `getPathWithSub_paths`. */
export function operationId(verb: string, path: string): string {
  const words = path.replace(/[^0-9a-zA-Z_-]/g, ' ').replace(/\w\S*/g, capitalised);
  return verb.toLowerCase() + words.replace(/\s/g, '');
}

function capitalised(word: string): string {
  return word.charAt(0).toUpperCase() + word.slice(1).toLowerCase();
}
