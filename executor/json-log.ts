import type { Logger } from '../kube/logger.ts';

/** JSON lines on standard error. winston would cost every sandbox more memory than the whole rest of the executor's code. */
export function createJsonLog(fields: object = {}): Logger {
  const at =
    (level: string) =>
    (message: string, more?: object): void => {
      const line = { level, message, timestamp: new Date().toISOString(), ...fields, ...more };
      process.stderr.write(`${JSON.stringify(line)}\n`);
    };
  return {
    debug: () => undefined,
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
    child: (more) => createJsonLog({ ...fields, ...more }),
  };
}
