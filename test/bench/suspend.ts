import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { createHttpClient } from '../../kube/http-client.ts';
import { loadKubeConfig } from '../../kube/kube-config.ts';
import { machine } from './machine.ts';
import { printTable } from './print-table.ts';
import { measure, type Measured, type Series } from './series.ts';
import { Ours, type OurLive } from './systems/ours.ts';

/**
 * Times what a run on a suspended session pays, until its result is there: a pod, the files of the session in it, the run. Beside it, in turn, what a new session pays. Needs an installed
 * chart with an object store, and BASE_URL and API_KEY (test/conformance/with-cluster brings all of it).
 */
const { values } = parseArgs({
  options: {
    namespace: { type: 'string', default: 'sandboxes' },
    rounds: { type: 'string', default: '20' },
    pool: { type: 'string', default: '3' },
    out: { type: 'string', default: 'test/bench/results' },
  },
});

const FILES = `
import os
def handler(event):
    for n in range(20):
        with open(f'file-{n}', 'wb') as file:
            file.write(os.urandom(10_000))
`;

/** With so many in the pool. */
function seriesWith(system: Ours, pool: number): Series[] {
  const kind = pool === 0 ? 'cold' : 'from a warm pool';
  let live: OurLive | undefined;
  const settle = async (): Promise<void> => {
    await live?.remove();
    live = undefined;
    await system.poolIsFull();
  };
  const suspended = async (): Promise<void> => {
    await settle();
    live = await system.create();
    await live.run(FILES);
    await live.suspend();
    await system.poolIsFull();
  };
  return [
    {
      name: `new session, ${kind}: create -> first result`,
      prepare: settle,
      once: async () => {
        live = await system.create();
        await live.run();
      },
    },
    {
      name: `suspended session with 20 files, ${kind}: run -> result`,
      prepare: suspended,
      once: async () => live?.run(),
    },
  ];
}

const client = createHttpClient(loadKubeConfig(), { userAgent: 'bench' });
const baseUrl = process.env['BASE_URL'] ?? '';
const apiKey = process.env['API_KEY'] ?? '';
const { namespace } = values;
const system = await Ours.open({ client, namespace, baseUrl, apiKey, connections: 16 });
try {
  const measured: Measured[] = [];
  for (const pool of [0, Number(values.pool)]) {
    await system.setPool(pool);
    const rounds = Number(values.rounds);
    measured.push(...(await measure(seriesWith(system, pool), { rounds, warmup: 2 })));
  }
  printTable(measured);
  mkdirSync(values.out, { recursive: true });
  const file = path.join(values.out, 'suspend.json');
  const all = { takenAt: new Date().toISOString(), machine: machine(), measured };
  writeFileSync(file, `${JSON.stringify(all, null, 1)}\n`);
  console.log(`every sample: ${file}`);
} finally {
  await system.setPool(0);
  await system.close();
  await client.close();
}
