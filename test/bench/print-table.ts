import type { Measured } from './series.ts';
import { summarize } from './statistics.ts';

export function printTable(measured: readonly Measured[]): void {
  console.log('| series | n | failed | p50 ms | p95 ms | p99 ms | max ms |');
  console.log('| --- | --- | --- | --- | --- | --- | --- |');
  for (const { name, milliseconds, failures } of measured) {
    const { n, p50, p95, p99, max } = summarize(milliseconds);
    console.log(
      `| ${name} | ${n} | ${failures} | ${[p50, p95, p99, max].map((ms) => ms.toFixed(1)).join(' | ')} |`,
    );
  }
}
