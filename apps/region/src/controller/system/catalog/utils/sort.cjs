/** Sorts lines as texts. */
function main({ lines = [] }) {
  const sorted = [...lines].sort();
  return { lines: sorted, length: sorted.length };
}
