/** Gives the first lines, one unless told how many. */
function main({ lines = [], num }) {
  const count = num || 1;
  return { lines: lines.slice(0, count), num: count };
}
