/** What the pods of every system under test get, so that the same work is measured: little is set aside, so that a hundred fit on a small node. */
export const POD_RESOURCES = {
  cpu: '1',
  cpuRequest: '10m',
  memory: '160Mi',
  disk: '64Mi',
} as const;

export const PROGRAM = 'print(1)';
