import { type Dispatcher, request } from 'undici';
import { type ExecutionState, type OutputEvent, outputEvent } from '../../executor/contract.ts';
import type { RunInput, TestSandbox } from './sandbox.ts';

export interface Answer {
  readonly status: number;
  readonly text: string;
}

/** One HTTP call to the executor, with a valid token unless other headers are given. */
export async function call(
  sandbox: TestSandbox,
  method: Dispatcher.HttpMethod,
  target: {
    readonly path: string;
    readonly body?: string | Buffer;
    readonly headers?: Record<string, string>;
  },
): Promise<Answer> {
  const headers = target.headers ?? (await sandbox.headers());
  // Not `request`: that would resolve `..` before it is sent.
  const { statusCode, body } = await sandbox.agent.request({
    origin: 'http://executor',
    path: target.path,
    method,
    headers,
    body: target.body ?? null,
  });
  return { status: statusCode, text: await body.text() };
}

/** Events of a run as they come; giving up the iteration hangs up. */
export async function* openStream(
  sandbox: TestSandbox,
  id: string,
  from: number,
): AsyncGenerator<OutputEvent, void> {
  const { body } = await request(
    `http://executor/v1/executions/${id}/events?from=${String(from)}`,
    {
      dispatcher: sandbox.agent,
      headers: await sandbox.headers(),
    },
  );
  let rest = '';
  // Leaving this loop destroys the body, which hangs up.
  for await (const chunk of body.setEncoding('utf8') as AsyncIterable<string>) {
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) yield outputEvent.parse(JSON.parse(line));
  }
}

/** Starts a run and waits until it has printed something; the outcome, which is still to come, is had from what it returns. */
export async function startAndHear(
  sandbox: TestSandbox,
  id: string,
  input: RunInput,
): Promise<() => Promise<ExecutionState>> {
  const request = { language: 'python', event: {}, timeoutMs: 20_000, env: {}, ...input } as const;
  await sandbox.client.run(sandbox.target, id, request, { waitMs: 0 });
  for await (const event of openStream(sandbox, id, 0)) if (event.type === 'stdout') break;
  return () => sandbox.client.state(sandbox.target, id, { waitMs: request.timeoutMs + 10_000 });
}
