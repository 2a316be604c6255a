import base from '../../jest.config.js';

/** Of `make image-test` alone: it needs a Docker engine and the image. */
// biome-ignore lint/style/noDefaultExport: jest reads its configuration from the default export.
export default {
  ...base,
  rootDir: '../..',
  testMatch: ['<rootDir>/test/image/*.check.ts'],
  testTimeout: 120_000,
  verbose: true,
};
