import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import addFormats from 'ajv-formats';
import { z } from 'zod';

const responseObject = z.object({
  content: z.record(z.string(), z.unknown()).default({}),
  headers: z.record(z.string(), z.looseObject({ required: z.boolean().optional() })).default({}),
});

const document = z.object({
  paths: z.record(
    z.string(),
    z.record(z.string(), z.object({ responses: z.record(z.string(), responseObject) })),
  ),
});

/** An answer as far as a document can be wrong about it. */
export interface Observed {
  readonly method: string;
  /** Path and query. */
  readonly url: string;
  readonly status: number;
  readonly headers: Headers;
  /** The body, if it is JSON. */
  readonly json: unknown;
}

/** An OpenAPI document, and whether answers are as it says. */
export class ApiContract {
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

  /** The document that the API at `base` serves. */
  static async of(base: string): Promise<ApiContract> {
    const response = await fetch(`${base}/openapi.json`);
    return new ApiContract(await response.text());
  }

  /** Throws where an answer is none that the document knows: its status, its type, its headers or its body. */
  check(seen: Observed): void {
    const method = seen.method.toLowerCase();
    const path = seen.url.split('?', 1)[0] ?? '';
    const template = this.#templateOf(path);
    const responses = this.#paths[template]?.[method]?.responses;
    if (responses === undefined) {
      // What no operation answers is an error, or a page beside the API.
      if (seen.status >= 400) this.#validate('openapi#/components/schemas/Error', seen);
      return;
    }
    const response = responses[String(seen.status)];
    const what = `${seen.method} ${template} answered ${String(seen.status)}`;
    if (response === undefined) throw new Error(`${what}, which its document does not know`);
    const missing = Object.keys(response.headers).filter(
      (name) => response.headers[name]?.required === true && !seen.headers.has(name),
    );
    if (missing.length > 0) throw new Error(`${what} without ${missing.join(', ')}`);
    this.#checkContent(response.content, seen, what);
  }

  #checkContent(content: Readonly<Record<string, unknown>>, seen: Observed, what: string): void {
    const type = seen.headers.get('content-type')?.split(';', 1)[0];
    const known = Object.keys(content);
    // An answer to HEAD, or none at all.
    if (type === undefined && (known.length === 0 || seen.json === undefined)) return;
    const fitting = known.find((candidate) => fits(candidate, type ?? ''));
    if (fitting === undefined)
      throw new Error(`${what} with ${String(type)} instead of ${known.join(' or ') || 'nothing'}`);
    if (seen.json === undefined || fitting !== 'application/json') return;
    const [path, method] = [
      this.#templateOf(seen.url.split('?', 1)[0] ?? ''),
      seen.method.toLowerCase(),
    ];
    const place = ['paths', path, method, 'responses', String(seen.status), 'content', fitting];
    this.#validate(`openapi#/${place.map(escaped).join('/')}/schema`, seen);
  }

  /** Those without a parameter are meant first: `/health/detailed` is no `/{id}`. */
  #templateOf(path: string): string {
    if (this.#paths[path] !== undefined) return path;
    const matches = (template: string): boolean =>
      new RegExp(
        `^${template.replaceAll(/\{\w*path\w*\}/g, '.+').replaceAll(/\{\w+\}/g, '[^/]+')}$`,
      ).test(path);
    return Object.keys(this.#paths).find(matches) ?? path;
  }

  #validate(pointer: string, { method, url, json }: Observed): void {
    const validate =
      this.#validators.get(pointer) ?? this.#ajv.compile({ $ref: encodeURI(pointer) });
    this.#validators.set(pointer, validate);
    if (!validate(json))
      throw new Error(
        `${method} ${url}: ${this.#ajv.errorsText(validate.errors)} in ${JSON.stringify(json)}`,
      );
  }
}

/** Whether a media type is one of a range such as `text/*`. */
function fits(range: string, type: string): boolean {
  return (
    range === '*/*' ||
    range === type ||
    (range.endsWith('/*') && type.startsWith(range.slice(0, -1)))
  );
}

function escaped(part: string): string {
  return part.replaceAll('~', '~0').replaceAll('/', '~1');
}
