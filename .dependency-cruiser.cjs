/** Dependencies point one way: apps → shell libs → core libs → domain (docs in ARCHITECTURE.md, "Rooms"). */
const core = '(domain|routing|pool|delivery|replication)';
module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true } },
    { name: 'not-to-unresolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'one-door',
      comment: 'a lib is reached through its src/index.ts only',
      severity: 'error',
      from: { path: '^(apps|libs)/([^/]+)/' },
      to: { path: '^libs/([^/]+)/', pathNot: ['^libs/$2/', '^libs/[^/]+/src/index\\.ts$'] },
    },
    { name: 'libs-do-not-know-apps', severity: 'error', from: { path: '^libs/' }, to: { path: '^apps/' } },
    { name: 'apps-do-not-know-apps', severity: 'error', from: { path: '^apps/([^/]+)/' }, to: { path: '^apps/', pathNot: '^apps/$1/' } },
    {
      name: 'core-is-pure',
      comment: 'core has no npm, no node: and no shell',
      severity: 'error',
      from: { path: `^libs/${core}/`, pathNot: '\\.spec\\.ts$' },
      to: { pathNot: `^libs/${core}/` },
    },
    {
      name: 'domain-imports-nothing',
      severity: 'error',
      from: { path: '^libs/domain/', pathNot: '\\.spec\\.ts$' },
      to: { pathNot: '^libs/domain/' },
    },
    {
      name: 'core-imports-domain-only',
      severity: 'error',
      from: { path: '^libs/(routing|pool|delivery|replication)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/', pathNot: ['^libs/$1/', '^libs/domain/'] },
    },
    {
      name: 'shell-libs-stand-apart',
      comment:
        'a shell lib may import core, config and telemetry, never another shell lib; sandbox alone may import wire, whose frames it speaks',
      severity: 'error',
      from: { path: '^libs/(messaging|storage|wire|auth|http|config|telemetry)/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/(messaging|storage|sandbox|wire|auth|http)/', pathNot: '^libs/$1/' },
    },
    {
      name: 'sandbox-speaks-frames',
      comment: 'libs/sandbox is a shell lib like the others, but for wire: invoker, spawner and runtime talk in its frames',
      severity: 'error',
      from: { path: '^libs/sandbox/', pathNot: '\\.spec\\.ts$' },
      to: { path: '^libs/(messaging|storage|auth|http)/' },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['isochrone-src', 'import', 'node', 'default'],
      extensions: ['.ts', '.js', '.mjs'],
    },
  },
};
