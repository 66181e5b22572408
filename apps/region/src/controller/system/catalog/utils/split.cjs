/** Splits a text into lines, or at a separator. */
function main({ payload, separator }) {
  if (payload === undefined || payload === null) return { error: 'A payload to split is required.' };
  return { lines: String(payload).split(separator || /\r?\n/), payload };
}
