import { createServer, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { eventually } from './rest-session.ts';
import type { Distribution } from '../builders/python-packages.ts';

/** A small package index on loopback, as an outside party has it: pages in HTML, files, and a word about what it was asked. */
export class PackageServer {
  /** Paths in the order in which they were asked for. */
  readonly asked: string[] = [];
  distributions: Distribution[] = [];
  /** File names that its pages claim to have beside the true ones. */
  lies: string[] = [];
  readonly #server: Server;
  #held: (() => void)[] | undefined;

  private constructor(server: Server) {
    this.#server = server;
  }

  static async start(): Promise<PackageServer> {
    const server = createServer();
    const packages = new PackageServer(server);
    server.on('request', ({ url = '' }, response) => {
      packages.#hear(url, response);
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return packages;
  }

  get host(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `127.0.0.1:${String(port)}`;
  }

  get url(): string {
    return `http://${this.host}/simple/`;
  }

  /** Keeps what is asked for from now on waiting, until `release`. */
  hold(): void {
    this.#held = [];
  }

  release(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    for (const answer of held) answer();
  }

  /** Resolves when something that begins so was asked for. */
  async heard(path: string): Promise<void> {
    await eventually(
      () => Promise.resolve(this.asked.some((one) => one.startsWith(path)) || undefined),
      `a request for ${path}`,
    );
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #hear(path: string, response: ServerResponse): void {
    this.asked.push(path);
    const answer = (): void => {
      this.#answer(path, response);
    };
    if (this.#held === undefined) answer();
    else this.#held.push(answer);
  }

  #answer(path: string, response: ServerResponse): void {
    const [, project] = /^\/simple\/([^/]+)\/$/.exec(path) ?? [];
    const found = this.distributions.filter((one) => one.project === project);
    const file = this.distributions.find(({ filename }) => path === `/dist/${filename}`);
    if (found.length > 0) {
      const names = [...found.map(({ filename }) => filename), ...this.lies];
      const links = names.map((name) => {
        const hash = found.find(({ filename }) => filename === name)?.sha256;
        return `<a href="/dist/${name}${hash === undefined ? '' : `#sha256=${hash}`}">${name}</a>`;
      });
      response.writeHead(200, { 'content-type': 'text/html' }).end(links.join('\n'));
    } else if (file === undefined) response.writeHead(404).end();
    else response.end(file.bytes);
  }
}
