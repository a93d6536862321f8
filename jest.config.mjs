const words = '<rootDir>/test/support/jest/words.ts';
const base = {
  setupFilesAfterEnv: [words],
  injectGlobals: false,
  testEnvironment: '<rootDir>/test/support/jest/environment.mjs',
  testRunner: '<rootDir>/test/support/jest/run-file.mjs',
  transform: {},
};

const withDatabase = {
  ...base,
  // Whichever files ran before in a process: the whole product is there.
  setupFilesAfterEnv: [words, '<rootDir>/src/app.module.ts'],
  globalSetup: '<rootDir>/test/support/jest/global-setup.mjs',
  globalTeardown: '<rootDir>/test/support/jest/global-teardown.mjs',
};

const pages = {
  ...withDatabase,
  displayName: 'pages',
  testMatch: ['<rootDir>/test/pages/**/*.page.ts'],
};

/** Needs a browser, so it runs only with `npm run test:browser`. */
const withBrowser = process.env.COUNTERSIGN_TEST_BROWSER === '1';

/**
 * What takes whole processes, thousands of things or minutes. Asked for by COUNTERSIGN_TEST_SLOW=1; kills of whole
 * demonstrations, by COUNTERSIGN_FAULT_SEEDS (how many moments, up to 10).
 */
const slow = [
  'ci-example.fault',
  'drill-faults.flow',
  'drill-kill.fault',
  'engine-kill.fault',
  'import.fault',
  'import.flow',
  'incident-carried.fault',
  'intake-many.flow',
  'key-rotation.fault',
  'process.fault',
  'queue.fault',
  'rotation-kill.fault',
  'signal-storm.fault',
];
const notAsked = [
  ...(process.env.COUNTERSIGN_FAULT_SEEDS ? [] : ['demo-killed']),
  ...(process.env.COUNTERSIGN_TEST_SLOW === '1' ? [] : slow.map((name) => `/${name}\\.ts$`)),
];

export default {
  maxWorkers: 2,
  testTimeout: 120_000,
  workerIdleMemoryLimit: '2GB',
  reporters: ['default', '<rootDir>/test/support/jest/count-reporter.mjs'],
  projects: withBrowser
    ? [pages]
    : [
        {
          ...base,
          displayName: 'unit',
          testMatch: ['<rootDir>/src/**/*.spec.ts?(x)', '<rootDir>/test/architecture.test.ts'],
        },
        {
          ...withDatabase,
          displayName: 'app',
          testPathIgnorePatterns: ['/node_modules/', ...notAsked],
          testMatch: [
            '<rootDir>/test/{flows,contracts,faults}/**/*.{flow,contract,fault}.ts',
            '<rootDir>/test/{migrations,routes,secrets,compose}.test.ts',
          ],
        },
      ],
};
