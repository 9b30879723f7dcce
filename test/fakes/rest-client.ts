import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';

/** An answer of the REST API whose body was found to be what the API's own document says. */
export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  /** Undefined where there is none. */
  readonly body: Record<string, unknown>;
  readonly text: string;
}

export interface Call {
  readonly body?: unknown;
  /** Sent as it is, instead of `body`. */
  readonly raw?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

const document = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ responses: z.record(z.string(), z.unknown()) })),
  ),
});

/** An OpenAPI document, and whether answers are as it says. */
class Contract {
  readonly #ajv: Ajv2020;
  readonly #paths: z.output<typeof document>['paths'];
  readonly #validators = new Map<string, ValidateFunction>();

  constructor(text: string) {
    const served = z.looseObject({}).parse(JSON.parse(text));
    this.#ajv = new Ajv2020({ strict: false, allErrors: true });
    addFormats.default(this.#ajv);
    this.#ajv.addSchema(served, 'openapi');
    this.#paths = document.parse(served).paths;
  }

  /** Throws where an answer is none that the document knows. */
  check(
    method: string,
    { url, status, parsed }: { url: string; status: number; parsed: unknown },
  ): void {
    const path = url.split('?', 1)[0] ?? '';
    const template = Object.keys(this.#paths).find((candidate) =>
      new RegExp(`^${candidate.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(path),
    );
    const operation =
      template === undefined ? undefined : this.#paths[template]?.[method.toLowerCase()];
    if (template === undefined || operation === undefined) {
      this.#validate(
        'openapi#/components/schemas/Error',
        parsed,
        `${method} ${path}`,
        status >= 400,
      );
      return;
    }
    if (operation.responses[String(status)] === undefined) {
      throw new Error(
        `${method} ${template} answered ${String(status)}, which its document does not know`,
      );
    }
    const pointer = `paths/${escaped(template)}/${method.toLowerCase()}/responses/${String(status)}/content/application~1json/schema`;
    this.#validate(`openapi#/${pointer}`, parsed, `${method} ${template}`, parsed !== undefined);
  }

  #validate(pointer: string, value: unknown, what: string, applies: boolean): void {
    if (!applies) return;
    const validate =
      this.#validators.get(pointer) ?? this.#ajv.compile({ $ref: encodeURI(pointer) });
    this.#validators.set(pointer, validate);
    if (!validate(value))
      throw new Error(
        `${what}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(value)}`,
      );
  }
}

/** Making and compiling it takes longer than a test, and every server of a test run has the same. */
let contract: Promise<Contract> | undefined;

async function contractOf(base: string): Promise<Contract> {
  const response = await fetch(`${base}/openapi.json`);
  return new Contract(await response.text());
}

/** A client that checks every answer against the OpenAPI document which the server itself serves. */
export class RestClient {
  readonly #base: string;
  readonly #contract: Contract;

  private constructor(base: string, contract: Contract) {
    this.#base = base;
    this.#contract = contract;
  }

  static async connect(port: number): Promise<RestClient> {
    const base = `http://127.0.0.1:${String(port)}`;
    contract ??= contractOf(base);
    return new RestClient(base, await contract);
  }

  get(path: string, call: Call = {}): Promise<Answer> {
    return this.send('GET', path, call);
  }

  post(path: string, body?: unknown, call: Call = {}): Promise<Answer> {
    return this.send('POST', path, { ...call, body });
  }

  put(path: string, body?: unknown, call: Call = {}): Promise<Answer> {
    return this.send('PUT', path, { ...call, body });
  }

  delete(path: string, call: Call = {}): Promise<Answer> {
    return this.send('DELETE', path, call);
  }

  /** `path` is below /api/v1 unless it begins with `//`, which stands for the root. */
  async send(method: string, path: string, call: Call = {}): Promise<Answer> {
    const url = path.startsWith('//') ? path.slice(1) : `/api/v1${path}`;
    const response = await fetch(this.#base + url, { method, ...contentOf(call) });
    const text = await response.text();
    const isJson = response.headers.get('content-type')?.startsWith('application/json') === true;
    const parsed: unknown = isJson ? JSON.parse(text) : undefined;
    this.#contract.check(method, { url, status: response.status, parsed });
    return { status: response.status, headers: response.headers, body: recordOf(parsed), text };
  }
}

function contentOf({ body, raw, headers = {}, signal }: Call): RequestInit {
  const abort = signal === undefined ? {} : { signal };
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  if (content === undefined) return { headers, ...abort };
  return { headers: { 'Content-Type': 'application/json', ...headers }, ...abort, body: content };
}

function escaped(path: string): string {
  return path.replaceAll('~', '~0').replaceAll('/', '~1');
}

function recordOf(value: unknown): Record<string, unknown> {
  if (Array.isArray(value)) return { list: value };
  const parsed = z.record(z.string(), z.unknown()).safeParse(value);
  return parsed.success ? parsed.data : {};
}
