/** A web action that the region serves itself, below /api/v1/web/whisk.system/apimgmt: this code answers only whoever invokes it in another way. */
function main() {
  return { error: 'This action is served as a web action only: /api/v1/web/whisk.system/apimgmt.' };
}
