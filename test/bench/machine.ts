import os from 'node:os';

/** What a figure is worth nothing without. */
export function machine(): object {
  const cpus = os.cpus();
  return {
    cpu: cpus[0]?.model,
    cores: cpus.length,
    memoryBytes: os.totalmem(),
    kernel: os.release(),
    node: process.version,
  };
}
