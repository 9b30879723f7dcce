import type { SandboxTemplate } from '../crds/sandbox-template.ts';
import type { Clock } from '../kube/clock.ts';
import { AlreadyExistsError, NotFoundError } from '../kube/errors.ts';
import { ApiError } from './errors.ts';
import { objectNameOf, restIdOf } from './names.ts';
import { templateNameOf } from './present-template.ts';
import type { Repository } from './repository.ts';
import type { RequestContext } from './request-context.ts';
import type { CreateTemplateRequest, UpdateTemplateRequest } from './schemas/template.ts';
import { templateDraft, templatePatch } from './submit.ts';

export interface TemplatesOptions {
  readonly templates: Repository<SandboxTemplate>;
  readonly namespace: string;
  readonly clock: Clock;
}

/** What REST clients can do with templates. */
export class Templates {
  readonly #templates: Repository<SandboxTemplate>;
  readonly #namespace: string;
  readonly #clock: Clock;
  /** Writes wait for one another, so that two with the same name cannot both find it free. Other replicas are not covered. */
  #lastWrite: Promise<unknown> = Promise.resolve();

  constructor(options: TemplatesOptions) {
    this.#templates = options.templates;
    this.#namespace = options.namespace;
    this.#clock = options.clock;
  }

  list(): readonly SandboxTemplate[] {
    const named = this.#templates
      .list()
      .map((template) => ({ template, name: templateNameOf(template) }));
    named.sort((a, b) => (a.name === b.name ? 0 : a.name < b.name ? -1 : 1));
    return named.map(({ template }) => template);
  }

  /** Throws TemplateNotFound. */
  async get(id: string, context: RequestContext): Promise<SandboxTemplate> {
    const template = await this.find(id, context.signal);
    if (template === undefined) throw notFound(id);
    return template;
  }

  async find(id: string, signal: AbortSignal): Promise<SandboxTemplate | undefined> {
    const template = await this.#templates.find(objectNameOf(id), signal);
    return template !== undefined && restIdOf(template) === id ? template : undefined;
  }

  /** The template of that object name, as far as this process knows. */
  known(objectName: string): SandboxTemplate | undefined {
    return this.#templates.known(objectName);
  }

  /** Throws TemplateExists or TemplateNameTaken. */
  create(
    body: CreateTemplateRequest,
    { requestId, principal, signal }: RequestContext,
  ): Promise<SandboxTemplate> {
    const { id } = body;
    return this.#inTurn(async () => {
      if ((await this.find(id, signal)) !== undefined) throw exists(id);
      this.#refuseTakenName(body.name, undefined);
      const origin = {
        id,
        requestId,
        createdBy: principal.name,
        namespace: this.#namespace,
        nowMs: this.#clock.now(),
      };
      try {
        return await this.#templates.create(templateDraft(body, origin), signal);
      } catch (error) {
        throw error instanceof AlreadyExistsError ? exists(id, error) : error;
      }
    });
  }

  /** Throws TemplateNotFound or TemplateNameTaken. */
  update(
    id: string,
    body: UpdateTemplateRequest,
    context: RequestContext,
  ): Promise<SandboxTemplate> {
    return this.#inTurn(async () => {
      const template = await this.get(id, context);
      if (body.name !== undefined && body.name !== null) this.#refuseTakenName(body.name, template);
      const patch = templatePatch(body, template);
      if (patch === undefined) return template;
      try {
        return await this.#templates.merge(template, patch, context.signal);
      } catch (error) {
        throw error instanceof NotFoundError ? notFound(id, error) : error;
      }
    });
  }

  /** Also while sessions use it: they keep what they were made from. Throws TemplateNotFound. */
  async delete(id: string, context: RequestContext): Promise<void> {
    const template = await this.get(id, context);
    try {
      await this.#templates.delete(template, context.signal);
    } catch (error) {
      throw error instanceof NotFoundError ? notFound(id, error) : error;
    }
  }

  #refuseTakenName(name: string, self: SandboxTemplate | undefined): void {
    const owner = this.#templates.list().find((template) => templateNameOf(template) === name);
    if (owner === undefined || owner.metadata.uid === self?.metadata.uid) return;
    throw new ApiError('TemplateNameTaken', `Template name already exists: ${name}`);
  }

  #inTurn<T>(write: () => Promise<T>): Promise<T> {
    const turn = this.#lastWrite.then(write);
    this.#lastWrite = turn.catch(() => undefined);
    return turn;
  }
}

function notFound(id: string, cause?: unknown): ApiError {
  return new ApiError('TemplateNotFound', `Template not found: ${id}`, { cause });
}

function exists(id: string, cause?: unknown): ApiError {
  return new ApiError('TemplateExists', `Template ID already exists: ${id}`, { cause });
}
