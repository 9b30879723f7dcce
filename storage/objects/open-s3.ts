import { readFile } from 'node:fs/promises';
import { S3Client, type S3ClientConfig } from '@aws-sdk/client-s3';
import type { S3Config } from './config.ts';
import { S3Store } from './s3-store.ts';

const CONNECT_TIMEOUT_MS = 3_000;
/** Without a byte in either direction. */
const IDLE_TIMEOUT_MS = 20_000;

/** What fails is thrown, and told by whoever asked for it. */
const SILENT = {
  debug: () => undefined,
  info: () => undefined,
  warn: () => undefined,
  error: () => undefined,
};

/**
 * A store in the bucket that `config` names. URLs are signed for the public endpoint; where there is only an endpoint of our own it is
 * taken to be out of the clients' reach, and none are signed.
 */
export function openS3Store(config: S3Config): S3Store {
  const { bucket, endpoint, publicEndpoint } = config;
  const canSign = publicEndpoint !== undefined || endpoint === undefined;
  return new S3Store({
    bucket,
    client: clientFor(config, endpoint),
    signer: canSign ? clientFor(config, publicEndpoint) : undefined,
  });
}

function clientFor(config: S3Config, endpoint: string | undefined): S3Client {
  return new S3Client({
    region: config.region,
    // A name per bucket needs a DNS of one's own; every server takes the path.
    forcePathStyle: true,
    ...(endpoint === undefined ? {} : { endpoint }),
    ...credentialsOf(config),
    // Checksums in trailers are not understood by every server, and the length of what is sent is checked anyway.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    maxAttempts: 2,
    logger: SILENT,
    requestHandler: {
      connectionTimeout: CONNECT_TIMEOUT_MS,
      socketTimeout: IDLE_TIMEOUT_MS,
    },
  });
}

function credentialsOf(config: S3Config): Pick<S3ClientConfig, 'credentials'> {
  const hasKeys = (config.accessKey ?? config.accessKeyFile) !== undefined;
  if (!hasKeys) return {};
  return {
    credentials: async () => ({
      accessKeyId: await keyIn(config.accessKey, config.accessKeyFile),
      secretAccessKey: await keyIn(config.secretKey, config.secretKeyFile),
    }),
  };
}

async function keyIn(value: string | undefined, file: string | undefined): Promise<string> {
  if (value !== undefined) return value;
  return (await readFile(file ?? '', 'utf8')).trim();
}
