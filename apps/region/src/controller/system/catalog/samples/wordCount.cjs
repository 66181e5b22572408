/** Counts words: what stands between single spaces. */
function main({ payload }) {
  if (payload === undefined || payload === null) return { error: 'A payload to count words in is required.' };
  const text = String(payload);
  const count = text.split(' ').length;
  console.log(`The message '${text}' has`, count, 'words');
  return { count };
}
