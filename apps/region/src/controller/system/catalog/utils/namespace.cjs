/** Tells the namespace it runs in. */
function main() {
  return { namespace: process.env.__OW_NAMESPACE };
}
