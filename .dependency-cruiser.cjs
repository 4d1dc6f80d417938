// The arrows of ARCHITECTURE.md: what a folder may import. `npm run lint` holds them.
const folders = {
  assembly: [],
  'fault-model': [],
  machine: ['assembly', 'fault-model'],
  sweep: ['machine', 'assembly', 'fault-model'],
  host: ['assembly', 'fault-model', 'machine', 'sweep'],
  'debug-adapter': ['assembly', 'fault-model', 'machine', 'sweep', 'host'],
  'language-server': ['assembly', 'fault-model', 'host'],
  cli: ['assembly', 'fault-model', 'machine', 'sweep', 'host', 'debug-adapter', 'language-server'],
  extension: ['assembly', 'fault-model', 'machine', 'sweep', 'host', 'debug-adapter', 'language-server'],
};
const all = Object.keys(folders);
const pure = '^(assembly|fault-model|machine|sweep)/';

module.exports = {
  forbidden: [
    ...all.map((from) => ({
      name: `arrows-from-${from}`,
      comment: `${from}/ may import only: ${folders[from].join(', ') || 'nothing above it'}`,
      severity: 'error',
      from: { path: `^${from}/` },
      to: { path: `^(${all.filter((to) => to !== from && !folders[from].includes(to)).join('|')})/` },
    })),
    { name: 'no-cycles', severity: 'error', from: {}, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    { name: 'only-extension-imports-vscode', severity: 'error', from: { pathNot: '^extension/' }, to: { path: '^vscode$' } },
    { name: 'only-debug-adapter-knows-dap', severity: 'error', from: { pathNot: '^(debug-adapter|cli|extension)/' }, to: { path: 'node_modules/@vscode/debug' } },
    { name: 'only-language-server-knows-lsp', severity: 'error', from: { pathNot: '^(language-server|extension)/' }, to: { path: 'node_modules/vscode-language' } },
    { name: 'pure-folders-touch-no-system', severity: 'error', from: { path: pure }, to: { dependencyTypes: ['core'] } },
    { name: 'product-imports-no-tests', severity: 'error', from: { path: `^(${all.join('|')})/` }, to: { path: '^test/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.base.json' },
    builtInModules: { add: ['vscode'] },
    exclude: { path: 'iced-x86' },
    enhancedResolveOptions: { extensions: ['.ts', '.js', '.json'] },
  },
};
