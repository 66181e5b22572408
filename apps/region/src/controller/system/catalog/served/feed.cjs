/** A feed whose work the region does itself, as soon as it is invoked: this code is shown and never run. */
function main() {
  return { error: 'The region keeps the alarms itself; this feed does not run as code.' };
}
