/** Tells the time. */
function main() {
  const date = new Date();
  console.log(`The time is ${date.toISOString()}`);
  return { date };
}
