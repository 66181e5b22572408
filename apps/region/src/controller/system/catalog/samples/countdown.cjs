/** Counts down by invoking itself with one less each time, as a client of the platform would. */
async function main({ n }) {
  const left = parseInt(n, 10);
  console.log(left);
  if (left === 0) return void console.log('Happy New Year!');
  if (!(left > 0)) return undefined;
  const { __OW_API_HOST: host, __OW_API_KEY: key, __OW_ACTION_NAME: action } = process.env;
  const [, namespace, ...path] = action.split('/');
  const name = path.map(encodeURIComponent).join('/');
  const response = await fetch(`${host}/api/v1/namespaces/${encodeURIComponent(namespace)}/actions/${name}`, {
    method: 'POST',
    headers: { authorization: `Basic ${Buffer.from(key).toString('base64')}`, 'content-type': 'application/json' },
    body: JSON.stringify({ n: left - 1 }),
    signal: AbortSignal.timeout(10_000),
  });
  const answer = await response.json();
  return response.ok ? answer : { error: answer.error };
}
