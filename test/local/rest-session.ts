import { z } from 'zod';
import type { LocalRun } from './local-run.ts';

const execution = z.looseObject({
  id: z.string(),
  status: z.string(),
  reason: z.string().nullable(),
  exit_code: z.int().nullable(),
  error_message: z.string().nullable(),
  stdout: z.string(),
  stderr: z.string(),
  return_value: z.unknown(),
});
export type Run = z.infer<typeof execution>;

const FINAL = new Set(['completed', 'failed', 'timeout', 'crashed', 'cancelled']);

/** One session, used as a client of the REST API uses it. */
export class RestSession {
  readonly id: string;
  readonly #local: LocalRun;

  private constructor(local: LocalRun, id: string) {
    this.#local = local;
    this.id = id;
  }

  static async create(local: LocalRun): Promise<RestSession> {
    const created = await local.call('POST', '/sessions', {
      template_id: 'python-basic',
      timeout: 300,
      resources: { cpu: '1', memory: '256Mi', disk: '1Gi' },
    });
    expect(created).toMatchObject({ status: 201 });
    return new RestSession(local, String(created.body['id']));
  }

  /** Runs Python, unless `more` says otherwise, and waits for the outcome. */
  async execute(code: string, more: object = {}): Promise<Run> {
    const route = `/sessions/${this.id}/execute-sync?sync_timeout=120`;
    const body = { code, language: 'python', timeout: 30, ...more };
    const answer = await this.#local.call('POST', route, body);
    expect(answer).toMatchObject({ status: 200 });
    return execution.parse(answer.body);
  }

  async submit(code: string): Promise<string> {
    const body = { code, language: 'python', timeout: 60 };
    const answer = await this.#local.call('POST', `/sessions/${this.id}/execute`, body);
    expect(answer).toMatchObject({ status: 201 });
    return String(answer.body['execution_id']);
  }

  async outcome(id: string): Promise<Run> {
    return eventually(async () => {
      const answer = await this.#local.call('GET', `/executions/${id}/result`);
      if (answer.status !== 200) return undefined;
      const seen = execution.parse(answer.body);
      return FINAL.has(seen.status) ? seen : undefined;
    }, `the outcome of ${id}`);
  }

  async expectToWork(): Promise<void> {
    const code = 'def handler(event):\n    return {"next": event["n"]}';
    const next = await this.execute(code, { event: { n: 7 } });
    expect(next).toMatchObject({ status: 'completed', return_value: { next: 7 } });
  }
}

/** What is being waited for crosses processes, so looking again is all that can be done. */
export async function eventually<T>(look: () => Promise<T | undefined>, what: string): Promise<T> {
  for (let tries = 0; tries < 600; tries += 1) {
    const seen = await look();
    if (seen !== undefined) return seen;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  throw new Error(`${what}: not seen within a minute`);
}
