import { randomBytes } from 'node:crypto';
import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers';
import { runCommand } from '../../tools/run-command.ts';
import type { Server } from './server.ts';

const PORT = 3306;

/** A real MariaDB in a container of the official image, or of one with its contract. */
export class ContainerServer implements Server {
  readonly password: string;
  readonly #container: StartedTestContainer;

  private constructor(container: StartedTestContainer, password: string) {
    this.#container = container;
    this.password = password;
  }

  /** On this port, which stays its own over restarts; testcontainers opens it to every address of the machine. */
  static async start(image: string, port: number): Promise<ContainerServer> {
    const password = randomBytes(16).toString('hex');
    const container = await new GenericContainer(image)
      .withEnvironment({ MARIADB_ROOT_PASSWORD: password })
      .withCommand(['mariadbd', '--skip-name-resolve', '--innodb-buffer-pool-size=256M'])
      .withExposedPorts({ container: PORT, host: port })
      .withWaitStrategy(Wait.forLogMessage(/ready for connections/))
      .start();
    return new ContainerServer(container, password);
  }

  kill(): Promise<void> {
    return this.#docker('kill');
  }

  freeze(): Promise<void> {
    return this.#docker('pause');
  }

  thaw(): Promise<void> {
    return this.#docker('unpause');
  }

  resume(): Promise<void> {
    return this.#docker('start');
  }

  async stop(): Promise<void> {
    await this.#container.stop({ remove: true, removeVolumes: true, timeout: 0 });
  }

  async #docker(verb: string): Promise<void> {
    const { exitCode, output } = await runCommand(['docker', verb, this.#container.getId()]);
    if (exitCode !== 0) throw new Error(`docker ${verb}: ${output}`);
  }
}
