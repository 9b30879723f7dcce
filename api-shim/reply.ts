import type { ServerResponse } from 'node:http';

/**
 * An answer that writes itself: a stream, or bytes. A handler returns it once nothing can be wrong with the request any more;
 * what goes wrong before the first byte is still answered as an error, and what goes wrong later cuts the connection.
 */
export class Reply {
  readonly write: (response: ServerResponse) => Promise<void>;

  /** `write` sends head and body and resolves when it is done with the response, whose client may go away at any time. */
  constructor(write: (response: ServerResponse) => Promise<void>) {
    this.write = write;
  }
}
