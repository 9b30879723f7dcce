const { default: TestRunner } = require('jest-runner');

/** One file after the other: each installs a release, and CRDs are the whole cluster's. */
module.exports = class extends TestRunner {
  isSerial = true;
};
