import { GenericContainer, Wait, type StartedTestContainer } from 'testcontainers';
import { runCommand } from '../../tools/run-command.ts';
import type { Server } from './server.ts';

const PORT = 3306;

/** A real MariaDB in a container of the official image, or of one with its contract. */
export class ContainerServer implements Server {
  readonly #container: StartedTestContainer;

  private constructor(container: StartedTestContainer) {
    this.#container = container;
  }

  /** On this port of the loopback, which stays its own over restarts. */
  static async start(image: string, port: number): Promise<ContainerServer> {
    const container = await new GenericContainer(image)
      .withEnvironment({ MARIADB_ALLOW_EMPTY_ROOT_PASSWORD: '1' })
      .withCommand(['mariadbd', '--skip-name-resolve', '--innodb-buffer-pool-size=256M'])
      .withExposedPorts({ container: PORT, host: port })
      .withWaitStrategy(Wait.forLogMessage(/ready for connections/))
      .start();
    return new ContainerServer(container);
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
