import type { KubeClient, ListOptions, WatchEvent, WatchOptions } from '../../kube/client.ts';
import type { KubeList, KubeObject, ResourceType } from '../../kube/objects.ts';

/** An open watch in the hands of a test. */
export class ScriptedWatch {
  readonly options: WatchOptions;
  readonly #queue: (() => WatchEvent<KubeObject> | undefined)[] = [];
  #wake: () => void = () => undefined;

  constructor(options: WatchOptions) {
    this.options = options;
    options.signal.addEventListener('abort', () => {
      this.fail(options.signal.reason);
    });
  }

  send(...events: readonly WatchEvent<KubeObject>[]): this {
    for (const event of events) this.#push(() => event);
    return this;
  }

  /** The server ends the stream as it should. */
  close(): void {
    this.#push(() => undefined);
  }

  fail(error: unknown): void {
    this.#push(() => {
      throw error;
    });
  }

  #push(step: () => WatchEvent<KubeObject> | undefined): void {
    this.#queue.push(step);
    this.#wake();
  }

  async *events(): AsyncGenerator<WatchEvent<KubeObject>> {
    for (;;) {
      const step = this.#queue.shift();
      if (step === undefined) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
        continue;
      }
      const event = step();
      if (event === undefined) return;
      yield event;
    }
  }
}

type Page = KubeList<KubeObject> | Error;

/** Plays lists from a script and puts watches into the test's hands; what was asked for is kept. For the rules of list-watch only. */
export class ScriptedClient {
  readonly lists: ListOptions[] = [];
  readonly watches: ScriptedWatch[] = [];
  readonly #pages: Page[];

  /** The last page is served for ever. */
  constructor(...pages: readonly Page[]) {
    this.#pages = [...pages];
  }

  get watch(): ScriptedWatch {
    const last = this.watches.at(-1);
    if (last === undefined) throw new Error('nobody watches yet');
    return last;
  }

  /** As the KubeClient that the code under test takes. */
  get client(): KubeClient {
    const refuse = async (): Promise<never> => {
      throw new Error('not in the script');
    };
    return {
      get: refuse,
      create: refuse,
      replace: refuse,
      patch: refuse,
      delete: refuse,
      list: async <T extends KubeObject>(_type: ResourceType<T>, options: ListOptions = {}) => {
        this.lists.push(options);
        const page = this.#pages.length > 1 ? this.#pages.shift() : this.#pages[0];
        if (page === undefined || page instanceof Error) throw page ?? new Error('no page');
        return page as KubeList<T>;
      },
      watch: <T extends KubeObject>(_type: ResourceType<T>, options: WatchOptions) => {
        const watch = new ScriptedWatch(options);
        this.watches.push(watch);
        return watch.events() as AsyncIterable<WatchEvent<T>>;
      },
    };
  }
}
