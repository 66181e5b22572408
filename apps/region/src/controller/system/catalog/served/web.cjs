/** A web action whose work the region does itself, below /api/v1/web/whisk.system/apimgmt and as soon as it is invoked: this code is shown and never run. */
function main() {
  return { error: 'The region manages the APIs itself; this action does not run as code.' };
}
