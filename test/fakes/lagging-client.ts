import type { KubeClient } from '../../kube/client.ts';
import type { KubeObject } from '../../kube/objects.ts';

/** A client whose watches stop at what a test wants to come late, with everything behind it, until the test lets them go on. */
export class LaggingClient {
  readonly client: KubeClient;
  /** Asked of each change that a watch tells of. */
  isLate: (object: KubeObject) => boolean = () => false;
  readonly #calls = new Map<string, PromiseWithResolvers<undefined>>();
  readonly #release = Promise.withResolvers<undefined>();

  constructor(inner: KubeClient) {
    const hold = (object: KubeObject): Promise<undefined> | undefined =>
      this.isLate(object) ? this.#release.promise : undefined;
    this.client = {
      get: (type, ref, signal) => {
        this.#call(`get ${type.kind}`).resolve(undefined);
        return inner.get(type, ref, signal);
      },
      list: (type, options) => inner.list(type, options),
      watch: async function* (type, options) {
        for await (const event of inner.watch(type, options)) {
          if (event.type !== 'BOOKMARK') await hold(event.object);
          yield event;
        }
      },
      create: (type, draft, signal) => {
        this.#call(`create ${type.kind}`).resolve(undefined);
        return inner.create(type, draft, signal);
      },
      replace: (type, object, options) => inner.replace(type, object, options),
      patch: (type, ref, patch, options) => inner.patch(type, ref, patch, options),
      delete: (type, ref, options) => inner.delete(type, ref, options),
    };
  }

  /** The watches go on, for good. */
  release(): void {
    this.isLate = () => false;
    this.#release.resolve(undefined);
  }

  /** Resolves when one of these calls was made, as `get Kind` or `create Kind`. */
  async called(...names: readonly string[]): Promise<void> {
    await Promise.race(names.map((name) => this.#call(name).promise));
  }

  #call(name: string): PromiseWithResolvers<undefined> {
    const known = this.#calls.get(name) ?? Promise.withResolvers<undefined>();
    this.#calls.set(name, known);
    return known;
  }
}
