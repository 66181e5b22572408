/** Fetches what an address has to say; a host without a scheme is asked by http. */
async function main({ payload }) {
  if (typeof payload !== 'string' || payload === '') return { error: 'A payload with the address to fetch is required.' };
  const url = /^[a-z]+:\/\//i.test(payload) ? payload : `http://${payload}`;
  console.log(`Fetching ${url}`);
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(10_000) });
    return { msg: await response.text() };
  } catch (failure) {
    const msg = String((failure.cause && failure.cause.message) || failure.message);
    console.error(msg);
    return { msg };
  }
}
