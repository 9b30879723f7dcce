/** One event of a stream, or a comment. */
export interface Told {
  readonly event: string;
  readonly id?: string;
  readonly data: Record<string, unknown>;
}

/** A client of server-sent events that reads one event at a time, as the test asks. */
export class EventStream {
  readonly response: Response;
  /** Comments that came so far. */
  readonly comments: string[] = [];
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;
  readonly #decoder = new TextDecoder();
  readonly #gone: AbortController;
  #rest = '';

  private constructor(response: Response, gone: AbortController) {
    if (response.body === null) throw new Error('no body');
    this.response = response;
    this.#reader = response.body.getReader();
    this.#gone = gone;
  }

  static async open(url: string, init: RequestInit = {}): Promise<EventStream> {
    const gone = new AbortController();
    const response = await fetch(url, { ...init, signal: gone.signal });
    if (!response.headers.get('content-type')?.startsWith('text/event-stream'))
      throw new Error(`${String(response.status)}: ${await response.text()}`);
    return new EventStream(response, gone);
  }

  /** Undefined at the end. */
  async next(): Promise<Told | undefined> {
    for (;;) {
      const block = await this.#block();
      if (block === undefined) return undefined;
      const told = this.#told(block);
      if (told !== undefined) return told;
    }
  }

  /** Resolves with the next comment's text; there must be no event before it. */
  async comment(): Promise<string> {
    const count = this.comments.length;
    while (this.comments.length === count) {
      const block = await this.#block();
      if (block === undefined || this.#told(block) !== undefined) throw new Error('no comment');
    }
    return this.comments.at(-1) ?? '';
  }

  async rest(): Promise<Told[]> {
    const all: Told[] = [];
    for (let told = await this.next(); told !== undefined; told = await this.next()) all.push(told);
    return all;
  }

  close(): void {
    this.#gone.abort();
  }

  async #block(): Promise<string | undefined> {
    for (;;) {
      const end = this.#rest.indexOf('\n\n');
      if (end !== -1) {
        const block = this.#rest.slice(0, end);
        this.#rest = this.#rest.slice(end + 2);
        return block;
      }
      const { done, value } = await this.#reader.read();
      if (done) return undefined;
      this.#rest += this.#decoder.decode(value, { stream: true });
    }
  }

  #told(block: string): Told | undefined {
    const fields = new Map<string, string>();
    for (const line of block.split('\n')) {
      const colon = line.indexOf(': ');
      if (line.startsWith(':')) this.comments.push(line.slice(2));
      else fields.set(line.slice(0, colon), line.slice(colon + 2));
    }
    const event = fields.get('event');
    if (event === undefined) return undefined;
    const id = fields.get('id');
    const data = JSON.parse(fields.get('data') ?? '') as Record<string, unknown>;
    return { event, ...(id === undefined ? {} : { id }), data };
  }
}
