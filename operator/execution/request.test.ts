import { anExecution } from '../../test/builders/execution.ts';
import { aSandbox } from '../../test/builders/sandbox.ts';
import { startRequestOf } from './request.ts';

test("a run gets the sandbox's variables as they are now, and its own win", () => {
  const sandbox = aSandbox({
    spec: {
      env: [
        { name: 'A', value: 'changed since' },
        { name: 'B', value: 'of the sandbox' },
      ],
    },
  });
  const execution = anExecution({ spec: { env: [{ name: 'B', value: 'of the run' }] } });
  expect(startRequestOf(execution, sandbox, 1_000)).toMatchObject({
    timeoutMs: 1_000,
    env: { A: 'changed since', B: 'of the run' },
  });
});
