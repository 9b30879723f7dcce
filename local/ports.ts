import net from 'node:net';
import type { LocalConfig } from './config.ts';
import { UserFacingError } from './say.ts';

/** Throws, naming the port and the variable that moves it, unless both of ours are free. */
export async function requireFreePorts(config: LocalConfig): Promise<void> {
  await requireFree(config.port, 'SANDBOX_PORT');
  await requireFree(config.kubePort, 'SANDBOX_KUBE_PORT');
}

async function requireFree(port: number, variable: string): Promise<void> {
  const server = net.createServer();
  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject).listen(port, '127.0.0.1', resolve);
    });
  } catch (cause) {
    throw new UserFacingError(
      `Port ${port} is taken. Free it, or choose another: ${variable}=${port + 1} make up`,
      { cause },
    );
  }
  await new Promise((resolve) => server.close(resolve));
}
