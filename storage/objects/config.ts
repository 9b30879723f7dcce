import { z } from 'zod';

/** `SANDBOX_S3_X`, or `S3_X` as the reference has it; one that is empty counts as absent. */
function given(env: Env, name: string): string | undefined {
  return [env[`SANDBOX_S3_${name}`], env[`S3_${name}`]].find(
    (value) => value !== undefined && value !== '',
  );
}

type Env = Readonly<Record<string, string | undefined>>;

const url = z.url({ protocol: /^https?$/ }).optional();

const settings = z
  .object({
    bucket: z.string().regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/),
    endpoint: url,
    publicEndpoint: url,
    region: z.string().min(1).max(64).default('us-east-1'),
    accessKeyFile: z.string().optional(),
    secretKeyFile: z.string().optional(),
    accessKey: z.string().optional(),
    secretKey: z.string().optional(),
  })
  .refine(
    (all) =>
      ((all.accessKey ?? all.accessKeyFile) === undefined) ===
      ((all.secretKey ?? all.secretKeyFile) === undefined),
    'SANDBOX_S3_ACCESS_KEY_ID and SANDBOX_S3_SECRET_ACCESS_KEY (or their _FILE) belong together',
  );

/** How to reach a bucket. Without keys the AWS SDK looks for them itself: a role of the pod or of the machine. */
export type S3Config = z.output<typeof settings>;

/** Undefined: no bucket is named, so S3 is not used. Throws a ZodError that names the setting at fault. */
export function s3Config(env: Env): S3Config | undefined {
  const bucket = given(env, 'BUCKET');
  if (bucket === undefined) return undefined;
  return settings.parse({
    bucket,
    endpoint: given(env, 'ENDPOINT') ?? given(env, 'ENDPOINT_URL'),
    publicEndpoint: given(env, 'PUBLIC_ENDPOINT'),
    region: given(env, 'REGION'),
    accessKey: given(env, 'ACCESS_KEY_ID'),
    secretKey: given(env, 'SECRET_ACCESS_KEY'),
    accessKeyFile: given(env, 'ACCESS_KEY_ID_FILE'),
    secretKeyFile: given(env, 'SECRET_ACCESS_KEY_FILE'),
  });
}
