/** One line per check or suite, so that a log reads as a list. */

export function sayPassed(name: string, ms: number): void {
  process.stdout.write(`ok       ${name} (${(ms / 1_000).toFixed(1)} s)\n`);
}

export function sayFailed(name: string, again: string): void {
  process.stdout.write(`FAILED   ${name}; to run it alone: ${again}\n`);
}

export function saySkipped(name: string, why: string): void {
  process.stdout.write(`SKIPPED  ${name.toUpperCase()} DID NOT RUN: ${why}\n`);
}
