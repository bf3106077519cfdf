/** Layers from top to bottom: a project imports only from its own layer or below, and every rule has a planted violation in test/architecture. */
const lib = (...names) => `^libs/(${names.join('|')})/`;

const LAYERS = [
  ['app', '^apps/'],
  ['runtime', lib('connector-runtime')],
  ['wiring', lib('event-log-transport')],
  ['projection', lib('projection', 'log-relay')],
  [
    'adapter',
    lib(
      'event-log-postgres',
      'event-log-kafka',
      'read-models',
      'audit-store',
      'subject-keys',
      'directory',
      'coordination',
      'postgres',
    ),
  ],
  ['port', lib('event-log', 'connector-sdk')],
  ['contract', lib('event-contracts', 'scim', 'opt-out', 'transparency-log')],
  ['base', lib('config', 'telemetry', 'embedded-postgres', 'kafka-cluster')],
];

const layering = LAYERS.slice(1).map(([name, path], i) => ({
  name: `no-upward-import-from-${name}`,
  severity: 'error',
  from: { path },
  to: {
    path: LAYERS.slice(0, i + 1)
      .map(([, above]) => above)
      .join('|'),
  },
}));

const SPECS = '\\.spec\\.ts$|/testing/';
/** Log adapters, projections and stores do not know each other; shared access to PostgreSQL and keys is below them. */
const SEPARATE_ADAPTERS = [
  'event-log-postgres',
  'event-log-kafka',
  'read-models',
  'audit-store',
  'coordination',
];

module.exports = {
  forbidden: [
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    ...layering,
    {
      name: 'apps-do-not-import-apps',
      severity: 'error',
      from: { path: '^apps/([^/]+)/' },
      to: { path: '^apps/', pathNot: '^apps/$1/' },
    },
    ...SEPARATE_ADAPTERS.map(name => ({
      name: `adapter-alone-${name}`,
      severity: 'error',
      from: { path: lib(name), pathNot: SPECS },
      to: { path: lib(...SEPARATE_ADAPTERS.filter(other => other !== name)) },
    })),
    {
      name: 'connector-imports-sdk-only',
      severity: 'error',
      from: { path: '^apps/connector-[^/]+/', pathNot: `/main\\.ts$|${SPECS}` },
      to: { path: '^libs/', pathNot: lib('connector-sdk', 'event-contracts', 'config') },
    },
    {
      name: 'connector-main-imports-runtime-only',
      severity: 'error',
      from: { path: '^apps/connector-[^/]+/src/main\\.ts$' },
      to: { path: '^libs/', pathNot: lib('connector-runtime') },
    },
    {
      name: 'no-deep-import',
      severity: 'error',
      from: { path: '^(libs|apps)/([^/]+)/' },
      to: { path: '^libs/[^/]+/src/', pathNot: ['^$1/$2/', '^libs/[^/]+/src/(testing/)?index\\.ts$'] },
    },
    {
      name: 'no-test-kit-in-production',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: SPECS },
      to: { path: '/src/testing/|\\.spec\\.ts$' },
    },
    {
      // The local cluster asks its own brokers whether they are ready; nothing else speaks to Kafka.
      name: 'kafka-client-only-in-its-adapter',
      severity: 'error',
      from: { path: '^(libs|apps)/', pathNot: lib('event-log-kafka', 'kafka-cluster') },
      to: { path: '(kafkajs|@platformatic/kafka|@confluentinc/kafka-javascript)' },
    },
    {
      name: 'nest-not-below-wiring',
      severity: 'error',
      from: { path: '^libs/', pathNot: lib('event-log-transport', 'connector-runtime') },
      to: { path: 'node_modules/@nestjs/' },
    },
    {
      name: 'database-driver-only-where-data-is-stored',
      severity: 'error',
      from: {
        path: lib('scim', 'event-contracts', 'opt-out', 'event-log', 'connector-sdk', 'config', 'telemetry'),
        pathNot: SPECS,
      },
      to: { path: 'node_modules/(pg|typeorm)/' },
    },
    {
      name: 'scim-is-pure',
      severity: 'error',
      from: { path: lib('scim'), pathNot: SPECS },
      to: { path: '^libs/|node_modules/', pathNot: lib('scim') },
    },
    {
      name: 'nobody-imports-tests',
      severity: 'error',
      from: { path: '^(libs|apps)/' },
      to: { path: '^test/' },
    },
    { name: 'resolvable', severity: 'error', from: { path: '^(libs|apps)/' }, to: { couldNotResolve: true } },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '/dist/' },
    enhancedResolveOptions: {
      conditionNames: ['sever-source', 'import', 'node', 'default'],
      exportsFields: ['exports'],
    },
  },
};
