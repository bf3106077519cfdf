const swc = [
  '@swc/jest',
  {
    swcrc: false,
    jsc: {
      parser: { syntax: 'typescript', decorators: true },
      transform: { legacyDecorator: true, decoratorMetadata: true },
      target: 'es2023',
      keepClassNames: true,
    },
    module: { type: 'es6' },
  },
];

/** One jest project per tier; the tier is in the file name. */
const tier = (displayName, testRegex, extra = {}) => ({
  displayName,
  testEnvironment: 'node',
  testEnvironmentOptions: { customExportConditions: ['sever-source', 'node', 'node-addons'] },
  extensionsToTreatAsEsm: ['.ts'],
  moduleNameMapper: { '^(\\.{1,2}/.*)\\.js$': '$1' },
  transform: { '^.+\\.ts$': swc },
  testRegex,
  modulePathIgnorePatterns: ['/dist/', '/.sever/', '/.nx/'],
  ...extra,
});

const database = {
  globalSetup: '<rootDir>/test/harness/database.setup.mjs',
  globalTeardown: '<rootDir>/test/harness/database.teardown.mjs',
};

const broker = {
  globalSetup: '<rootDir>/test/harness/kafka.setup.mjs',
  globalTeardown: '<rootDir>/test/harness/kafka.teardown.mjs',
};

export default {
  maxWorkers: 2,
  // Servers start in hooks; a busy machine takes its time. No spec asserts how long anything takes.
  testTimeout: 60_000,
  projects: [
    tier('unit', '(?<!\\.(int|e2e|fault|kafka|conformance))\\.spec\\.ts$'),
    tier('int', '\\.int\\.spec\\.ts$', database),
    tier('e2e', '\\.e2e\\.spec\\.ts$'),
    tier('fault', '\\.fault\\.spec\\.ts$'),
    tier('conformance', '\\.conformance\\.spec\\.ts$'),
    tier('kafka', '\\.kafka\\.spec\\.ts$', broker),
  ],
};
