import type { Dispatcher } from 'undici';
import type { ExecutionState, OutputEvent } from '../../executor/contract.ts';
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

/** Events of a run as they come, as the control plane reads them; giving up the iteration hangs up. */
export function openStream(
  sandbox: TestSandbox,
  id: string,
  from: number,
  waitMs = 0,
): AsyncIterator<OutputEvent> & AsyncIterable<OutputEvent> {
  const { signal } = new AbortController();
  return sandbox.client.events(sandbox.target, id, { from, waitMs, signal });
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
