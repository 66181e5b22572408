/** Says hello in its logs. */
function main({ payload }) {
  console.log('hello', `${payload}!`);
}
