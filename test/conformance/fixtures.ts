import { z } from 'zod';
import { del, eventually, get, post, unique, type Answer } from './target.ts';

/** What the cases work with: templates and sessions of their own, which are gone afterwards. */

type Fields = Readonly<Record<string, unknown>>;

const made: string[] = [];
/** Sessions of more than one case. */
const kept = new Set<string>();

/** To be called after all cases of a file. */
export async function tidyUp(): Promise<void> {
  await remove(made.splice(0));
}

/** To be called after each case of a file whose cases run one by one: on a small cluster not all their sessions fit at once. */
export async function endSessions(): Promise<void> {
  const isOver = (path: string): boolean => path.startsWith('/sessions/') && !kept.has(path);
  const over = made.filter(isOver);
  made.splice(0, made.length, ...made.filter((path) => !isOver(path)));
  await remove(over);
}

/** Sessions before templates, and all of them, whatever one answers. */
async function remove(paths: readonly string[]): Promise<void> {
  for (const path of paths.toReversed()) await del(path).catch(() => undefined);
}

const templateList = z.array(z.object({ id: z.string(), image_url: z.string() }));

/** The image that the system's own Python template runs. */
async function pythonImage(): Promise<string> {
  const given = process.env['CONFORMANCE_IMAGE'];
  if (given !== undefined) return given;
  const { body } = await get('/templates?limit=200');
  const templates = templateList.parse(body['items']);
  const basic = templates.find(({ id }) => id === 'python-basic') ?? templates[0];
  return basic?.image_url ?? 'sandbox-template-python-basic:latest';
}

/** As the reference's tests make theirs. */
export async function createTemplate(more: Fields = {}): Promise<Answer> {
  const { id = unique('conformance') } = more;
  const answer = await post('/templates', {
    id,
    name: id,
    image_url: await pythonImage(),
    runtime_type: 'python3.11',
    default_cpu_cores: 0.5,
    default_memory_mb: 512,
    default_disk_mb: 1024,
    default_timeout_sec: 300,
    is_active: true,
    ...more,
  });
  if (answer.status < 300) made.push(`/templates/${String(answer.body['id'])}`);
  return answer;
}

let template: Promise<string> | undefined;

/** The template of this file's sessions. */
export function templateId(): Promise<string> {
  template ??= createTemplate().then(({ body }) => String(body['id']));
  return template;
}

/** Small, so that several fit on a small cluster, where a sandbox requests what it may use. */
const SMALL = { cpu: '0.1', memory: '256Mi', disk: '512Mi' };

export async function createSession(more: Fields = {}): Promise<Answer> {
  const answer = await post('/sessions', {
    template_id: await templateId(),
    timeout: 300,
    ...SMALL,
    env_vars: {},
    ...more,
  });
  if (answer.status < 300) made.push(`/sessions/${String(answer.body['id'])}`);
  return answer;
}

/** Waits for the status `running`, as long as the reference's tests do. */
export function running(id: unknown, withinMs = 60_000): Promise<Answer> {
  return eventually(
    async () => {
      const seen = await get(`/sessions/${String(id)}`);
      const status = seen.body['status'];
      if (status === 'failed' || status === 'terminated')
        throw new Error(`session ${String(id)} is ${status}: ${String(seen.body['message'])}`);
      return status === 'running' ? seen : undefined;
    },
    { what: `session ${String(id)} running`, withinMs },
  );
}

/** The id of a new session that runs. */
export async function runningSession(more: Fields = {}): Promise<string> {
  const { status, body } = await createSession(more);
  expect(status).toBe(201);
  await running(body['id']);
  return String(body['id']);
}

/** A session that is made when first asked for and then shared, also by cases that run side by side. */
export function shared(make: () => Promise<string>): () => Promise<string> {
  let value: Promise<string> | undefined;
  const keep = async (): Promise<string> => {
    const id = await make();
    kept.add(`/sessions/${id}`);
    return id;
  };
  return () => (value ??= keep());
}

export interface Code {
  readonly code: string;
  readonly language?: string;
  readonly timeout?: number;
  readonly event?: unknown;
  readonly env_vars?: Fields;
}

const bodyOf = (code: Code): Fields => ({ language: 'python', timeout: 30, ...code });

export function execute(session: string, code: Code): Promise<Answer> {
  return post(`/executions/sessions/${session}/execute`, bodyOf(code));
}

export function executeSync(session: string, code: Code, query = ''): Promise<Answer> {
  const path = `/executions/sessions/${session}/execute-sync${query}`;
  return post(path, bodyOf(code), { timeoutMs: 100_000 });
}

const FINAL: readonly unknown[] = ['success', 'completed', 'failed', 'timeout', 'crashed'];

/** The result of an execution once its status is final, by the calls of the reference's tests. */
export async function outcomeOf(submitted: Answer, withinMs = 60_000): Promise<Answer> {
  expect([200, 201]).toContain(submitted.status);
  const id = String(submitted.body['execution_id']);
  await eventually(
    async () => {
      const { body } = await get(`/executions/${id}/status`);
      return FINAL.includes(body['status']) ? true : undefined;
    },
    { what: `the end of ${id}`, withinMs },
  );
  return get(`/executions/${id}/result`);
}

/** Runs code the asynchronous way, to its end. */
export async function run(session: string, code: Code): Promise<Answer> {
  return outcomeOf(await execute(session, code));
}
