import { createLogger } from '../kube/logging.ts';
import { localConfig } from './config.ts';
import { startControlPlane } from './control-plane.ts';
import { openInstallation } from './installation.ts';
import { removeRunning, writeRunning } from './running.ts';

/** The background process of a local run: serves until it is told to stop; its log goes to standard output. */
async function main(): Promise<void> {
  const config = localConfig(process.env);
  const installation = openInstallation(config.stateFolder);
  const logger = createLogger({ level: config.logLevel });
  const stopped = stopSignal();
  const controlPlane = await startControlPlane({ config, installation, logger });
  const { api, kube, runner } = controlPlane;
  const addresses = { api, kube, runner };
  writeRunning(installation.running, addresses);
  logger.info('the local control plane serves', addresses);
  logger.info('stopping', { because: await stopped });
  await controlPlane.stop();
  removeRunning(installation.running);
}

function stopSignal(): Promise<NodeJS.Signals> {
  return new Promise((resolve) => {
    process.once('SIGTERM', resolve).once('SIGINT', resolve);
  });
}

await main();
// Idle keep-alive connections of others must not hold a stopped control plane.
process.exit();
